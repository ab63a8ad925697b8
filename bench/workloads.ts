import { setTimeout as delay } from 'node:timers/promises';
import type { Contender } from './engines.ts';

/** One measured figure. */
export interface Figure {
  readonly title: string;
  readonly unit: string;
  /** Decimals that mean something. */
  readonly digits: number;
  /** What the ratio to dockerd has to be. */
  readonly target?: { readonly atMost: number } | { readonly atLeast: number };
}

/** Something that is done repeatedly, and gives one value for each of its figures (undefined: has no meaning there). */
export interface Workload {
  readonly name: string;
  readonly figures: readonly Figure[];
  /** The part of `--rounds` that it takes: long workloads take fewer. */
  readonly share: number;
  sample(contender: Contender): Promise<readonly (number | undefined)[]>;
}

const MANY = 50;
const AT_A_TIME = 8;
const KIB_PER_MIB = 1024;
/** Programs need a moment to give back what only starting took. Milliseconds. */
const SETTLING_TIME = 2000;

export const WORKLOADS: readonly Workload[] = [
  {
    name: 'run',
    figures: [{ title: 'docker run --rm busybox true', unit: 'ms', digits: 0, target: { atMost: 0.5 } }],
    share: 1,
    sample: async (contender) => [await timed(() => contender.runTrue())],
  },
  {
    name: 'exec',
    figures: [{ title: 'docker exec C true', unit: 'ms', digits: 0, target: { atMost: 0.5 } }],
    share: 1,
    sample: async (contender) => [await timed(() => contender.execTrue())],
  },
  {
    name: 'many',
    figures: [
      {
        title: `${MANY} containers, ${AT_A_TIME} at a time (create and start)`,
        unit: 'per s',
        digits: 1,
        target: { atLeast: 2 },
      },
      {
        title: `memory that each of ${MANY} running containers adds`,
        unit: 'MiB PSS',
        digits: 2,
        target: { atMost: 0.25 },
      },
      { title: `memory of the engine and its helpers with ${MANY} running`, unit: 'MiB PSS', digits: 0 },
    ],
    share: 1 / 5,
    sample: async (contender) => {
      const before = contender.helperMemory();
      try {
        const duration = await timed(() => startMany(contender));
        await delay(SETTLING_TIME);
        const rate = (MANY * 1000) / duration;
        const after = contender.helperMemory();
        if (before === undefined || after === undefined) return [rate];
        return [rate, (after - before) / KIB_PER_MIB / MANY, after / KIB_PER_MIB];
      } finally {
        await contender.removeIdle();
      }
    },
  },
];

async function startMany(contender: Contender): Promise<void> {
  let left = MANY;
  const work = async () => {
    while (left > 0) {
      left -= 1;
      await contender.startIdle();
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
}

/** Milliseconds. */
async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
