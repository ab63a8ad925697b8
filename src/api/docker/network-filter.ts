import { invalidParameter, systemError } from '../../base/index.ts';
import type { Network } from '../../networks/index.ts';

const TRUE = ['1', 'true'];
const FALSE = ['0', 'false'];

type Test = (network: Network, value: string) => boolean;

/** What each filter of `docker network ls --filter` asks of a network. */
const TESTS: Readonly<Record<string, Test>> = {
  name: ({ name }, value) => matches(name, value),
  id: ({ id }, value) => matches(id, value),
  driver: ({ driver }, value) => driver === value,
  scope: (_, value) => value === 'local',
  type: ({ predefined }, value) => (value === 'builtin' ? predefined : !predefined),
  dangling: ({ predefined, members }, value) => (!predefined && members.length === 0) === TRUE.includes(value),
  label: ({ labels }, value) => {
    const [name = '', wanted] = value.split(/=(.*)/s);
    return wanted === undefined ? name in labels : labels[name] === wanted;
  },
};

/** A test for networks by the filters of a request. Throws invalidParameter for an unknown filter or value. */
export function networkFilter(filters: ReadonlyMap<string, readonly string[]>): (network: Network) => boolean {
  for (const [name, values] of filters) {
    if (TESTS[name] === undefined) throw invalidParameter(`invalid filter '${name}'`);
    for (const value of values) {
      if (name === 'type' && value !== 'builtin' && value !== 'custom') {
        throw systemError(`invalid filter: 'type'='${value}'`);
      }
      if (name === 'dangling' && ![...TRUE, ...FALSE].includes(value)) {
        throw invalidParameter(`invalid value for filter 'dangling', must be "true" (or "1"), or "false" (or "0")`);
      }
    }
  }
  return (network) =>
    [...filters].every(([name, values]) => {
      const test = (value: string) => TESTS[name]?.(network, value) === true;
      return name === 'label' ? values.every(test) : values.some(test);
    });
}

/** Filters are regular expressions that need to match somewhere. */
function matches(text: string, pattern: string): boolean {
  try {
    return new RegExp(pattern).test(text);
  } catch {
    return text === pattern;
  }
}
