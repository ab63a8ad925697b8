import { conflict, invalidParameter, systemError } from '../base/index.ts';
import type { TopResponse } from '../contract/docker/index.ts';
import { runProgram } from '../linux/index.ts';
import { findProgram } from '../runtime/index.ts';
import type { ContainerContext } from './context.ts';
import { cgroupPath } from './process.ts';

const DEFAULT_ARGUMENTS = '-ef';

/**
 * The processes of a running container as the host's ps(1) prints them.
 * @param arguments_ ps arguments, separated by white space; their output must have a PID column
 */
export async function topContainer(
  context: ContainerContext,
  idOrName: string,
  arguments_: string,
): Promise<TopResponse> {
  const words = (arguments_ || DEFAULT_ARGUMENTS).split(/\s+/).filter(Boolean);
  // `ps -o pid=…` would rename the column that tells which process a line is about (moby `daemon/top_unix.go`).
  if (words.some((word) => /(^|,)pid=/i.test(word))) {
    throw invalidParameter('specifying "o" option with a "pid" field and custom header is not allowed');
  }
  const container = context.store.get(idOrName);
  if (container.phase.name === 'restarting') {
    throw conflict(`Container ${container.id} is restarting, wait until the container is running`);
  }
  if (container.phase.name !== 'running') throw conflict(`container ${container.id} is not running`);
  const program = findProgram('ps');
  if (program === undefined) throw systemError('ps: no such program on this host (Debian package procps)');
  const listed = await runProgram(context.kernel, program, words);
  if (listed.status.code !== 0) throw systemError(`ps: ${listed.stderr.trim()}`);
  const members = new Set(context.cgroupMembers(cgroupPath(context, container)));
  return parseTable(listed.stdout, members);
}

function parseTable(output: string, members: ReadonlySet<number>): TopResponse {
  const [header = '', ...lines] = output.split('\n');
  const titles = header.trim().split(/\s+/);
  const pidColumn = titles.indexOf('PID');
  if (pidColumn < 0) throw systemError("Couldn't find PID field in ps output");
  const rows = lines
    .filter((line) => line.trim() !== '')
    .map((line) => splitColumns(line, titles.length))
    .filter((row) => members.has(Number(row[pidColumn])));
  return { Titles: titles, Processes: rows };
}

/** The last column keeps its spaces: it is the command line. */
function splitColumns(line: string, count: number): string[] {
  const words = line.trim().split(/\s+/);
  return words.length <= count ? words : [...words.slice(0, count - 1), words.slice(count - 1).join(' ')];
}
