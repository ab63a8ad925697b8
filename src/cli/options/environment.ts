/** Environment variables and labels, from flags and files. */

import { readFileSync } from 'node:fs';
import { errnoOf } from '../failure.ts';
import { cut } from './flag.ts';

/** `-e NAME=value`, or `-e NAME` for this process's value. Throws for an empty name. */
export function parseVariable(given: string, environment: NodeJS.ProcessEnv = process.env): string {
  const [name, value] = cut(given, '=');
  if (name === '') throw new Error(`invalid environment variable: ${given}`);
  if (value !== undefined) return given;
  const inherited = environment[name];
  return inherited === undefined ? name : `${name}=${inherited}`;
}

/** The variables of `--env-file`s, then those of `-e`. A name alone in a file is taken from this process, if set. */
export function readVariables(files: readonly string[], given: readonly string[]): string[] {
  const fromFiles = files.flatMap((file) =>
    readPairs(file, 'env file').flatMap(([name, value]) => {
      if (value !== undefined) return [`${name}=${value}`];
      const inherited = process.env[name];
      return inherited === undefined ? [] : [`${name}=${inherited}`];
    }),
  );
  return [...fromFiles, ...given];
}

/** The labels of `--label-file`s and of `--label`. */
export function readLabels(files: readonly string[], given: readonly string[]): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [name, value] of files.flatMap((file) => readPairs(file, 'label file'))) labels[name] = value ?? '';
  for (const [name, value] of given.map((each) => cut(each, '='))) labels[name] = value ?? '';
  return labels;
}

/** `--label`: an empty key is refused. */
export function checkLabel(given: string): string {
  if (cut(given, '=')[0] === '') throw new Error(`invalid label '${given}': empty name`);
  return given;
}

function readPairs(path: string, what: string): [string, string | undefined][] {
  return readLines(path, what).flatMap((line): [string, string | undefined][] => {
    const trimmed = line.trimStart();
    if (trimmed === '' || trimmed.startsWith('#')) return [];
    const [name, value] = cut(trimmed, '=');
    if (name === '') throw new Error(`invalid ${what} (${path}): no variable name on line '${line}'`);
    if (/[\t \n\v\f\r\u0085\u00a0]/.test(name)) {
      throw new Error(`invalid ${what} (${path}): variable '${name}' contains whitespaces`);
    }
    return [[name, value]];
  });
}

function readLines(path: string, what: string): string[] {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new Error(openFailure(path, error));
  }
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  if (text.includes('\uFFFD') && !bytes.includes('\uFFFD')) {
    throw new Error(`invalid ${what} (${path}): invalid utf8 bytes at line`);
  }
  return text.split(/\r?\n/);
}

/** errno names and the words Go's os package prints for them. */
const ERRNO_WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EISDIR: 'is a directory',
  ENOTDIR: 'not a directory',
};

/** `open PATH: no such file or directory`, as Go words it. */
export function openFailure(path: string, error: unknown, operation = 'open'): string {
  const errno = errnoOf(error) ?? '';
  return `${errno === 'EISDIR' ? 'read' : operation} ${path}: ${ERRNO_WORDS[errno] ?? errno}`;
}
