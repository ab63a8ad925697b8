import type { EventMessage } from '../../contract/docker/index.ts';

type Test = (event: EventMessage, value: string) => boolean;

/** What each filter of `docker events --filter` asks of an event. */
const TESTS: Readonly<Record<string, Test>> = {
  type: (event, value) => event.Type === value,
  // `exec_create` stands for `exec_create: true`, as dockerd has it.
  event: (event, value) => event.Action === value || event.Action.startsWith(`${value}:`),
  scope: (event, value) => event.scope === value,
  container: (event, value) => isObject(event, 'container', value),
  image: (event, value) =>
    isObject(event, 'image', value) || (event.Type === 'container' && sameImage(event.Actor.Attributes.image, value)),
  network: (event, value) => isObject(event, 'network', value),
  volume: (event, value) => isObject(event, 'volume', value),
  daemon: (event, value) => isObject(event, 'daemon', value),
  label: (event, value) => {
    const [name = '', wanted] = value.split(/=(.*)/s);
    return wanted === undefined ? name in event.Actor.Attributes : event.Actor.Attributes[name] === wanted;
  },
};

/** A test for events by the filters of a request: any value of a name, every name. Unknown names are ignored, as dockerd does. */
export function eventFilter(filters: ReadonlyMap<string, readonly string[]>): (event: EventMessage) => boolean {
  const tests = [...filters].map(([name, values]) => {
    const test = TESTS[name];
    return (event: EventMessage) => test === undefined || values.some((value) => test(event, value));
  });
  return (event) => tests.every((test) => test(event));
}

function isObject(event: EventMessage, type: EventMessage['Type'], value: string): boolean {
  if (event.Type !== type) return false;
  const { ID: id, Attributes: attributes } = event.Actor;
  return id === value || id.startsWith(value) || attributes.name === value || sameImage(attributes.name, value);
}

/** A reference with or without its tag names the image. */
function sameImage(name: string | undefined, value: string): boolean {
  return name !== undefined && (name === value || name.replace(/:[^:/]+$/, '') === value);
}
