/**
 * `npm run bench`: Gantry beside dockerd and the bare OCI runtime, in turn, in one run, with the same docker CLI.
 *   --dockerd unix:///path,PID   a running dockerd and its pid; without it, only the bare runtime is compared with
 *   --gantry unix:///path,PID    a running engine; without it, one is started in namespaces of its own
 *   --runtime runc|crun          the bare OCI runtime
 *   --rounds N                   samples of the short workloads
 *   --only run,exec,many
 */
import { parseArgs } from 'node:util';
import { BareRuntime } from './bare-runtime.ts';
import { type Contender, openEngine } from './engines.ts';
import { renderTable, type Samples } from './report.ts';
import { type Figure, WORKLOADS, type Workload } from './workloads.ts';

const { values: options } = parseArgs({
  options: {
    dockerd: { type: 'string' },
    gantry: { type: 'string' },
    runtime: { type: 'string', default: 'runc' },
    rounds: { type: 'string', default: '15' },
    only: { type: 'string' },
  },
});

await using undo = new AsyncDisposableStack();
const contenders: Contender[] = [undo.use(await openEngine('gantry', options.gantry))];
if (options.dockerd !== undefined) contenders.push(undo.use(await openEngine('dockerd', options.dockerd)));
contenders.push(undo.use(new BareRuntime(options.runtime)));
for (const contender of contenders) await contender.prepare();

const only = options.only?.split(',');
const rows: [Figure, Samples][] = [];
for (const workload of WORKLOADS.filter(({ name }) => only?.includes(name) ?? true)) {
  process.stderr.write(`${workload.name} …\n`);
  rows.push(...(await measure(workload, Math.ceil(Number(options.rounds) * workload.share))));
}
const names = contenders.map(({ name }) => name);
process.stdout.write(`${renderTable('gantry', names, rows)}\n`);

/** Samples in turn, with the order turned round each time; a first round that does not count warms everything up. */
async function measure(workload: Workload, rounds: number): Promise<[Figure, Samples][]> {
  const samples = workload.figures.map(() => new Map<string, number[]>(contenders.map(({ name }) => [name, []])));
  for (let round = 0; round <= rounds; round += 1) {
    for (const contender of round % 2 === 0 ? contenders : contenders.toReversed()) {
      const taken = await workload.sample(contender);
      if (round === 0) continue;
      taken.forEach((value, index) => {
        if (value !== undefined) samples[index]?.get(contender.name)?.push(value);
      });
    }
  }
  return workload.figures.map((figure, index) => [figure, samples[index] ?? new Map()]);
}
