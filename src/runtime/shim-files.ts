import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, readJsonFile } from '../base/index.ts';
import { type ShimExit, type ShimExitRecord, ShimFile, type ShimSettings } from '../contract/shim.ts';

/** How the shim of `directory` recorded the end of its process; undefined if it has not (yet). */
export async function readExitRecord(directory: string): Promise<ShimExit | undefined> {
  const record = await readJsonFile<ShimExitRecord>(join(directory, ShimFile.EXIT));
  return record && { code: record.code, at: BigInt(record.at), oomKilled: record.oomKilled };
}

/** The pid that the runtime wrote for the process of `directory`; undefined if it never ran. */
export async function readProcessId(directory: string): Promise<number | undefined> {
  try {
    return Number.parseInt(await readFile(join(directory, ShimFile.PID), 'utf8'), 10) || undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** When the process of `directory` began, in nanoseconds since 1970; undefined if it never ran. */
export async function readStartTime(directory: string): Promise<bigint | undefined> {
  try {
    // The runtime writes the pid just before it lets the process go.
    return (await stat(join(directory, ShimFile.PID), { bigint: true })).mtimeNs;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The command line of a shim, without the program's own name. Descriptor 3 must be one end of a socket pair. */
export function shimArguments(settings: ShimSettings): string[] {
  const { runtime, process, log, cgroup } = settings;
  return [
    ...['--directory', settings.directory, '--runtime', runtime.path, '--container', settings.container],
    ...(runtime.root === undefined ? [] : ['--runtime-root', runtime.root]),
    ...(runtime.arguments ?? []).flatMap((argument) => ['--runtime-argument', argument]),
    ...('bundle' in process ? ['--bundle', process.bundle] : ['--exec', process.exec]),
    ...(settings.terminal ? ['--terminal'] : []),
    ...(settings.stdin ? ['--stdin'] : []),
    ...(settings.stdinOnce ? ['--stdin-once'] : []),
    ...logArguments(log),
    ...(cgroup === undefined ? [] : [cgroup.version === 1 ? '--cgroup-v1-memory' : '--cgroup-v2', cgroup.path]),
  ];
}

function logArguments(log: ShimSettings['log']): string[] {
  if (log.driver === 'none') return ['--log-driver', 'none'];
  const attributes = log.attributes && Object.keys(log.attributes).length > 0 ? goJson(log.attributes) : undefined;
  return [
    ...['--log-driver', 'json-file', '--log-path', log.path],
    ...(log.maximumSize === undefined ? [] : ['--log-max-size', String(log.maximumSize)]),
    ...(log.maximumFiles === undefined ? [] : ['--log-max-file', String(log.maximumFiles)]),
    ...(log.compress ? ['--log-compress'] : []),
    ...(attributes === undefined ? [] : ['--log-attributes', attributes]),
  ];
}

/** JSON as Go's encoding/json writes a map: keys sorted, `< > &` and the line separators escaped. */
function goJson(map: Readonly<Record<string, string>>): string {
  const sorted = Object.fromEntries(Object.entries(map).sort(([one], [other]) => (one < other ? -1 : 1)));
  return JSON.stringify(sorted).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
