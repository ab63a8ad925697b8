import { invalidParameter } from '../../base/index.ts';
import type { Network } from '../../networks/index.ts';

type Test = (network: Network, value: string) => boolean;

/** What each filter of `docker network ls --filter` asks of a network. */
const TESTS: Readonly<Record<string, Test>> = {
  name: ({ name }, value) => name.includes(value),
  id: ({ id }, value) => id.startsWith(value),
  driver: ({ driver }, value) => driver === value,
  scope: (_, value) => value === 'local',
  type: ({ predefined }, value) => (value === 'builtin' ? predefined : !predefined),
  dangling: ({ predefined, members }, value) => (!predefined && members.length === 0) === isTrue(value),
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
        throw invalidParameter(`invalid filter: 'type'='${value}'`);
      }
    }
  }
  return (network) =>
    [...filters].every(([name, values]) => {
      const test = (value: string) => TESTS[name]?.(network, value) === true;
      return name === 'label' ? values.every(test) : values.some(test);
    });
}

function isTrue(value: string): boolean {
  return ['1', 'true', 't', 'T', 'TRUE', 'True'].includes(value);
}
