import { invalidParameter } from '../base/index.ts';
import type { ContainerSummary, Port, PortMap } from '../contract/docker/index.ts';
import type { Container } from './container.ts';
import type { ContainerContext } from './context.ts';
import { containerSizes } from './inspect.ts';
import { mountPoint } from './mounts.ts';
import { stateView } from './phase.ts';
import { statusText } from './status-text.ts';

export interface ListRequest {
  readonly all: boolean;
  /** At most so many, also ended ones; 0: no limit. */
  readonly limit: number;
  /** Also how much disk each one takes. */
  readonly size: boolean;
  /** Filter name → values, any of which may match; all names must. */
  readonly filters: ReadonlyMap<string, readonly string[]>;
}

type Predicate = (container: Container, value: string, context: ContainerContext) => boolean;

/** What is wrong with a filter's value: the rest of dockerd's sentence, undefined if nothing is. */
const VALUE_RULES: Readonly<Record<string, (value: string) => string | undefined>> = {
  status: (value) => oneOf(STATUSES, 'state', value),
  health: (value) => oneOf(HEALTH_STATES, 'health', value),
  exited: (value) =>
    /^-?\d+$/.test(value) ? undefined : `${value}': strconv.Atoi: parsing "${value}": invalid syntax`,
  'is-task': (value) => (/^(true|false|1|0)$/.test(value) ? undefined : `[${value}]'`),
};

const HEALTH_STATES = ['none', 'starting', 'healthy', 'unhealthy'];

// In dockerd's order, which its complaint about any other shows.
const STATUSES = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'];

/** What each filter of `docker ps --filter` asks of a container. */
const PREDICATES: Readonly<Record<string, Predicate>> = {
  id: ({ id }, value) => matches(id, value),
  name: ({ record }, value) => matches(record.name, value) || matches(`/${record.name}`, value),
  label: ({ record }, value) => hasLabel(record.config.Labels ?? {}, value),
  status: ({ record }, value) => stateView(record.phase, record.lastRun).Status === value,
  exited: ({ record }, value) => record.phase.name === 'exited' && record.lastRun.exitCode === Number(value),
  ancestor: ({ record }, value, context) => isAncestor(record.imageId, record.config.Image, value, context),
  network: ({ record }, value) =>
    Object.entries(record.networks).some(
      ([name, endpoint]) => name === value || (value !== '' && endpoint.NetworkID.startsWith(value)),
    ),
  volume: ({ record }, value) =>
    record.mounts.some((mount) => mount.name === value || mount.destination === value || mount.source === value),
  publish: ({ record }, value) =>
    hasPort(Object.keys(record.hostConfig.PortBindings ?? {}), value, record.sandbox?.ports),
  expose: ({ record }, value) => hasPort(Object.keys(record.config.ExposedPorts ?? {}), value, undefined),
  'is-task': (_, value) => value === 'false' || value === '0',
  health: (_, value) => value === 'none',
  isolation: (_, value) => value === 'default' || value === '',
};

/** The containers that `request` asks for, newest first. Throws invalidParameter for an unknown filter or value. */
export async function listContainers(context: ContainerContext, request: ListRequest): Promise<ContainerSummary[]> {
  validateFilters(request.filters);
  const { filters } = request;
  const limit = request.limit > 0 ? request.limit : undefined;
  const all = request.all || limit !== undefined || filters.has('status') || filters.has('exited');
  const newestFirst = context.store.list().sort(byCreation).reverse();
  const border = (name: 'before' | 'since') => {
    const value = filters.get(name)?.[0];
    return value === undefined ? undefined : context.store.get(value);
  };
  const before = border('before');
  const since = border('since');
  const found = newestFirst
    .filter((container) => all || container.phase.name === 'running' || container.phase.name === 'restarting')
    .filter((container) => before === undefined || byCreation(container, before) < 0)
    .filter((container) => since === undefined || byCreation(container, since) > 0)
    .filter((container) => passes(context, container, filters))
    .slice(0, limit);
  return Promise.all(
    found.map(async (container) => ({
      ...summarize(context, container),
      ...(request.size && (await containerSizes(context, container))),
    })),
  );
}

function byCreation(left: Container, right: Container): number {
  return left.record.created < right.record.created ? -1 : left.record.created > right.record.created ? 1 : 0;
}

function oneOf(words: readonly string[], what: string, value: string): string | undefined {
  if (words.includes(value)) return undefined;
  return `${value}': invalid value for ${what} (${value}): must be one of ${words.join(', ')}`;
}

function passes(context: ContainerContext, container: Container, filters: ListRequest['filters']): boolean {
  for (const [name, values] of filters) {
    const predicate = PREDICATES[name];
    if (predicate === undefined) continue;
    const test = (value: string) => predicate(container, value, context);
    // Labels narrow each other down; values of every other filter are alternatives.
    if (!(name === 'label' ? values.every(test) : values.some(test))) return false;
  }
  return true;
}

function validateFilters(filters: ListRequest['filters']): void {
  for (const [name, values] of filters) {
    if (PREDICATES[name] === undefined && name !== 'before' && name !== 'since') {
      throw invalidParameter(`invalid filter '${name}'`);
    }
    for (const value of values) {
      const reason = VALUE_RULES[name]?.(value);
      if (reason !== undefined) throw invalidParameter(`invalid filter '${name}=${reason}`);
    }
  }
}

function summarize(context: ContainerContext, container: Container): ContainerSummary {
  const { record } = container;
  return {
    Id: container.id,
    Names: [`/${record.name}`],
    Image: imageName(context, record.config.Image, record.imageId),
    ImageID: record.imageId,
    Command: [record.path, ...record.arguments.map(quoteWord)].join(' '),
    Created: Math.floor(Date.parse(record.created) / 1000),
    Ports: portList(record.config.ExposedPorts ?? {}, record.sandbox?.ports ?? {}, container),
    Labels: record.config.Labels ?? {},
    State: stateView(record.phase, record.lastRun).Status,
    Status: statusText(record.phase, record.lastRun, Date.now()),
    HostConfig: {
      NetworkMode: record.hostConfig.NetworkMode,
      ...(record.hostConfig.Annotations && { Annotations: record.hostConfig.Annotations }),
    },
    NetworkSettings: { Networks: record.networks },
    Mounts: record.mounts.map(mountPoint),
  };
}

/** The name the container was made with, unless that name now means another image: then the image's id. */
function imageName(context: ContainerContext, given: string, imageId: string): string {
  return context.images.find(given)?.id === imageId ? given : imageId;
}

function quoteWord(word: string): string {
  return /\s/.test(word) ? `'${word}'` : word;
}

/** Published and exposed ports, by private port, then public port, then address, as dockerd sorts them. */
function portList(exposed: Record<string, unknown>, published: PortMap, container: Container): Port[] {
  if (container.phase.name !== 'running') return [];
  const parse = (key: string) => {
    const [port = '0', protocol = 'tcp'] = key.split('/');
    return { PrivatePort: Number(port), Type: protocol as Port['Type'] };
  };
  const open = Object.entries(published).flatMap(([key, bindings]) =>
    (bindings ?? []).map((binding) => ({ IP: binding.HostIp, PublicPort: Number(binding.HostPort), ...parse(key) })),
  );
  const closed = Object.keys({ ...exposed, ...published })
    .filter((key) => (published[key] ?? []).length === 0)
    .map(parse);
  return [...open, ...closed].sort(
    (left: Port, right: Port) =>
      left.PrivatePort - right.PrivatePort ||
      (left.PublicPort ?? 0) - (right.PublicPort ?? 0) ||
      (left.IP ?? '').localeCompare(right.IP ?? ''),
  );
}

function hasPort(declared: readonly string[], value: string, published: PortMap | undefined): boolean {
  const [range = '', protocol = 'tcp'] = value.split('/');
  const [first = '0', last = first] = range.split('-');
  const within = (port: number) => port >= Number(first) && port <= Number(last);
  const key = (text: string) => ({ port: Number(text.split('/')[0]), protocol: text.split('/')[1] ?? 'tcp' });
  if (declared.some((text) => key(text).protocol === protocol && within(key(text).port))) return true;
  return Object.entries(published ?? {}).some(
    ([text, bindings]) =>
      key(text).protocol === protocol && (bindings ?? []).some((binding) => within(Number(binding.HostPort))),
  );
}

function hasLabel(labels: Record<string, string>, value: string): boolean {
  const [name = '', wanted] = value.split(/=(.*)/s);
  return wanted === undefined ? name in labels : labels[name] === wanted;
}

/** dockerd matches ids and names as regular expressions; a broken one matches as plain text. */
function matches(text: string, pattern: string): boolean {
  try {
    return new RegExp(pattern).test(text);
  } catch {
    return text.includes(pattern);
  }
}

function isAncestor(imageId: string, given: string, value: string, context: ContainerContext): boolean {
  const wanted = context.images.find(value)?.id;
  return wanted === undefined ? given === value : wanted === imageId;
}
