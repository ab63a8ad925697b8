/** Dockerfile instructions that change an image's config (`docker import --change`, `docker commit --change`). */
import { posix } from 'node:path';
import { invalidParameter } from '../base/index.ts';
import type { ContainerConfig, HealthConfig } from '../contract/docker/index.ts';

/** A config that says nothing, as dockerd writes it. */
export function emptyConfig(): ContainerConfig {
  return {
    Hostname: '',
    Domainname: '',
    User: '',
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    Tty: false,
    OpenStdin: false,
    StdinOnce: false,
    Env: null,
    Cmd: null,
    Image: '',
    Volumes: null,
    WorkingDir: '',
    Entrypoint: null,
    OnBuild: null,
    Labels: null,
  };
}

type Instruction = (config: ContainerConfig, argument: string) => ContainerConfig;

/** The shell of instructions that are no JSON array. */
const SHELL = ['/bin/sh', '-c'];

const INSTRUCTIONS: Readonly<Record<string, Instruction>> = {
  CMD: (config, argument) => ({ ...config, Cmd: command(argument) }),
  ENTRYPOINT: (config, argument) => ({ ...config, Entrypoint: command(argument) }),
  ENV: (config, argument) => {
    const pairs = keyValues('ENV', argument);
    const kept = (config.Env ?? []).filter((entry) => !pairs.some(([key]) => entry.startsWith(`${key}=`)));
    return { ...config, Env: [...kept, ...pairs.map(([key, value]) => `${key}=${value}`)] };
  },
  EXPOSE: (config, argument) => ({ ...config, ExposedPorts: { ...config.ExposedPorts, ...ports(argument) } }),
  HEALTHCHECK: (config, argument) => ({ ...config, Healthcheck: healthcheck(argument) }),
  LABEL: (config, argument) => ({
    ...config,
    Labels: { ...config.Labels, ...Object.fromEntries(keyValues('LABEL', argument)) },
  }),
  ONBUILD: (config, argument) => ({ ...config, OnBuild: [...(config.OnBuild ?? []), argument] }),
  STOPSIGNAL: (config, argument) => ({ ...config, StopSignal: argument }),
  USER: (config, argument) => ({ ...config, User: argument }),
  VOLUME: (config, argument) => {
    const paths = jsonArray(argument) ?? words(argument);
    return { ...config, Volumes: { ...config.Volumes, ...Object.fromEntries(paths.map((path) => [path, {}])) } };
  },
  WORKDIR: (config, argument) => ({ ...config, WorkingDir: posix.resolve('/', config.WorkingDir, argument) }),
};

/** The config with every change, in order. Throws invalidParameter with dockerd's texts. */
export function applyChanges(config: ContainerConfig, changes: readonly string[]): ContainerConfig {
  const lines = changes.flatMap((change) => change.split('\n')).map((line) => line.trim());
  return lines.filter(Boolean).reduce((current, line) => {
    const [, name = '', argument = ''] = /^(\S+)\s*(.*)$/s.exec(line) ?? [];
    const instruction = INSTRUCTIONS[name.toUpperCase()];
    if (instruction === undefined) throw invalidParameter(`${name.toUpperCase()} is not a valid change command`);
    if (argument === '') throw invalidParameter(`${name.toUpperCase()} requires at least one argument`);
    return instruction(current, argument);
  }, config);
}

function command(argument: string): string[] {
  return jsonArray(argument) ?? [...SHELL, argument];
}

function jsonArray(argument: string): string[] | undefined {
  if (!argument.startsWith('[')) return undefined;
  try {
    const parsed: unknown = JSON.parse(argument);
    return Array.isArray(parsed) && parsed.every((item) => typeof item === 'string') ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** Words separated by blanks; quotes group, a backslash takes what follows as it is. */
function words(argument: string): string[] {
  const found = argument.match(/(?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s"'\\])+/g) ?? [];
  return found.map((word) =>
    word.replace(/"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)/g, (_, double?: string, single?: string, escaped?: string) =>
      double !== undefined ? double.replace(/\\(.)/g, '$1') : (single ?? escaped ?? ''),
    ),
  );
}

/** `a=b c="d e"`, or the old form `a b c`, which is one key and the rest as its value. */
function keyValues(name: string, argument: string): [string, string][] {
  const [first = ''] = words(argument);
  if (!first.includes('=')) {
    const [, key = '', value] = /^(\S+)\s+(.*)$/s.exec(argument) ?? [];
    if (value === undefined) throw invalidParameter(`${name} must have two arguments`);
    return [[key, value]];
  }
  return words(argument).map((pair) => {
    const equals = pair.indexOf('=');
    if (equals <= 0)
      throw invalidParameter(`Syntax error - can't find = in ${JSON.stringify(pair)}. Must be of the form: name=value`);
    return [pair.slice(0, equals), pair.slice(equals + 1)];
  });
}

function ports(argument: string): Record<string, Record<string, never>> {
  return Object.fromEntries(
    words(argument).flatMap((word) => {
      const [, from, to, protocol = 'tcp'] = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(word) ?? [];
      if (from === undefined) throw invalidParameter(`invalid containerPort: ${word}`);
      const count = Number(to ?? from) - Number(from) + 1;
      if (count < 1 || Number(to ?? from) > 65_535) throw invalidParameter(`invalid containerPort: ${word}`);
      return Array.from({ length: count }, (_, index) => [`${Number(from) + index}/${protocol.toLowerCase()}`, {}]);
    }),
  ) as Record<string, Record<string, never>>;
}

const NANOSECONDS: Readonly<Record<string, number>> = { h: 3.6e12, m: 6e10, s: 1e9, ms: 1e6, us: 1e3, ns: 1 };

const HEALTH_OPTIONS = {
  interval: 'Interval',
  timeout: 'Timeout',
  'start-period': 'StartPeriod',
  'start-interval': 'StartInterval',
} as const satisfies Record<string, keyof HealthConfig>;

function healthcheck(argument: string): HealthConfig {
  const health: HealthConfig = {};
  let rest = argument;
  for (;;) {
    const [whole, name = '', value = ''] = /^--([a-z-]+)=(\S+)\s*/.exec(rest) ?? [];
    if (whole === undefined) break;
    rest = rest.slice(whole.length);
    if (name === 'retries') health.Retries = Number(value);
    else if (isHealthOption(name)) health[HEALTH_OPTIONS[name]] = duration(value);
    else throw invalidParameter(`unknown flag: ${name}`);
  }
  const [, kind = '', command = ''] = /^(\S+)\s*(.*)$/s.exec(rest) ?? [];
  if (kind.toUpperCase() === 'NONE') return { Test: ['NONE'] };
  if (kind.toUpperCase() !== 'CMD')
    throw invalidParameter(`Unknown type ${JSON.stringify(kind)} in HEALTHCHECK (try CMD)`);
  const array = jsonArray(command);
  return { ...health, Test: array === undefined ? ['CMD-SHELL', command] : ['CMD', ...array] };
}

function isHealthOption(name: string): name is keyof typeof HEALTH_OPTIONS {
  return name in HEALTH_OPTIONS;
}

function duration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s|us|ns)/g)];
  if (parts.map(([whole]) => whole).join('') !== text || parts.length === 0) {
    throw invalidParameter(`time: invalid duration ${JSON.stringify(text)}`);
  }
  return parts.reduce((sum, [, value, unit = 's']) => sum + Number(value) * (NANOSECONDS[unit] ?? 0), 0);
}
