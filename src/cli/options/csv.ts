/** Comma-separated `key=value` options (`--mount`, `--gpus`, `--network name=…`), with CSV's quoting. */

import { cut } from './flag.ts';

/** Splits one CSV line; a field may be quoted as a whole, with `""` for a quote inside. */
export function splitCsv(line: string): string[] {
  const fields: string[] = [];
  const pattern = /(?:"((?:[^"]|"")*)"|([^,]*))(,|$)/y;
  for (;;) {
    const match = pattern.exec(line);
    if (match === null) throw new Error('parse error: bare " in non-quoted field');
    fields.push(match[1] === undefined ? (match[2] ?? '') : match[1].replaceAll('""', '"'));
    if (match[3] === '') return fields;
  }
}

/** One `key=value` of an option; `value` is undefined for a key alone. */
export interface Field {
  readonly key: string;
  readonly value: string | undefined;
  /** The field as it was given, for errors. */
  readonly text: string;
}

/** Splits an option into its fields; keys come out in lower case. */
export function splitFields(line: string): Field[] {
  return splitCsv(line).map((text) => {
    const [key, value] = cut(text, '=');
    return { key: key.trim().toLowerCase(), value: value?.trim(), text };
  });
}

/** docker's error for a key without a value. */
export const notAPair = (field: Field): Error => new Error(`invalid field '${field.text}' must be a key=value pair`);

/** docker's error for a key it does not know. */
export const unexpectedKey = (field: Field): Error => new Error(`unexpected key '${field.key}' in '${field.text}'`);
