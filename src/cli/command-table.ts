/**
 * Every command of the client: its names, what it does in a line, and the module that does it. Help, the parity test
 * and the documentation read this table; a module is loaded when its command runs, so that no command pays for another.
 */

import type { Command } from './command.ts';

/** One row of the table. */
export interface CommandEntry {
  /** All names, without the program's; the first one of a group is the one help shows. */
  readonly paths: readonly string[];
  readonly summary: string;
  load(): Promise<{ command: Command }>;
}

/** The management commands: words that only group others. */
export const COMMAND_GROUPS: Readonly<Record<string, string>> = {
  container: 'Manage containers',
  image: 'Manage images',
  network: 'Manage networks',
  system: 'Manage the engine',
  volume: 'Manage volumes',
};

/** What the program's help page lists first, in this order. */
export const COMMON_COMMANDS = ['run', 'exec', 'ps', 'pull', 'images', 'version', 'info'] as const;

/** All commands. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    paths: ['container attach', 'attach'],
    summary: "Connect this terminal to a running container's input and output",
    load: () => import('./commands/container/attach.ts'),
  },
  {
    paths: ['container create', 'create'],
    summary: 'Create a new container',
    load: () => import('./commands/container/create.ts'),
  },
  {
    paths: ['container exec', 'exec'],
    summary: 'Execute a command in a running container',
    load: () => import('./commands/container/exec.ts'),
  },
  {
    paths: ['container inspect'],
    summary: 'Show all details of one or more containers',
    load: () => import('./commands/container/inspect.ts'),
  },
  {
    paths: ['container kill', 'kill'],
    summary: 'Kill one or more running containers',
    load: () => import('./commands/container/kill.ts'),
  },
  {
    paths: ['container logs', 'logs'],
    summary: 'Show what a container has printed',
    load: () => import('./commands/container/logs.ts'),
  },
  {
    paths: ['container ls', 'container list', 'container ps', 'ps'],
    summary: 'List containers',
    load: () => import('./commands/container/list.ts'),
  },
  {
    paths: ['container pause', 'pause'],
    summary: 'Freeze all processes of one or more containers',
    load: () => import('./commands/container/pause.ts'),
  },
  {
    paths: ['container port', 'port'],
    summary: "List a container's published ports",
    load: () => import('./commands/container/port.ts'),
  },
  {
    paths: ['container rename', 'rename'],
    summary: 'Rename a container',
    load: () => import('./commands/container/rename.ts'),
  },
  {
    paths: ['container restart', 'restart'],
    summary: 'Restart one or more containers',
    load: () => import('./commands/container/restart.ts'),
  },
  {
    paths: ['container rm', 'container remove', 'rm'],
    summary: 'Remove one or more containers',
    load: () => import('./commands/container/remove.ts'),
  },
  {
    paths: ['container run', 'run'],
    summary: 'Create a container from an image and run it',
    load: () => import('./commands/container/run.ts'),
  },
  {
    paths: ['container start', 'start'],
    summary: 'Start one or more stopped containers',
    load: () => import('./commands/container/start.ts'),
  },
  {
    paths: ['container stop', 'stop'],
    summary: 'Stop one or more running containers',
    load: () => import('./commands/container/stop.ts'),
  },
  {
    paths: ['container top', 'top'],
    summary: "List a container's processes",
    load: () => import('./commands/container/top.ts'),
  },
  {
    paths: ['container unpause', 'unpause'],
    summary: 'Let one or more paused containers go on',
    load: () => import('./commands/container/unpause.ts'),
  },
  {
    paths: ['container wait', 'wait'],
    summary: 'Wait until one or more containers stop, then print their exit codes',
    load: () => import('./commands/container/wait.ts'),
  },
  {
    paths: ['image history', 'history'],
    summary: 'Show how an image came about',
    load: () => import('./commands/image/history.ts'),
  },
  {
    paths: ['image import', 'import'],
    summary: 'Make an image from an archive of a file system',
    load: () => import('./commands/image/import.ts'),
  },
  {
    paths: ['image inspect'],
    summary: 'Show all details of one or more images',
    load: () => import('./commands/image/inspect.ts'),
  },
  {
    paths: ['image load', 'load'],
    summary: 'Load images from an archive or from standard input',
    load: () => import('./commands/image/load.ts'),
  },
  {
    paths: ['image ls', 'image list', 'images'],
    summary: 'List images',
    load: () => import('./commands/image/list.ts'),
  },
  {
    paths: ['image pull', 'pull'],
    summary: 'Download an image from a registry',
    load: () => import('./commands/image/pull.ts'),
  },
  {
    paths: ['image rm', 'image remove', 'rmi'],
    summary: 'Remove one or more images',
    load: () => import('./commands/image/remove.ts'),
  },
  {
    paths: ['image save', 'save'],
    summary: 'Save one or more images to an archive or to standard output',
    load: () => import('./commands/image/save.ts'),
  },
  {
    paths: ['image tag', 'tag'],
    summary: 'Give an image another name',
    load: () => import('./commands/image/tag.ts'),
  },
  {
    paths: ['inspect'],
    summary: 'Show all details of containers, images, volumes or networks',
    load: () => import('./commands/system/inspect.ts'),
  },
  {
    paths: ['network connect'],
    summary: 'Connect a container to a network',
    load: () => import('./commands/network/connect.ts'),
  },
  {
    paths: ['network create'],
    summary: 'Create a network',
    load: () => import('./commands/network/create.ts'),
  },
  {
    paths: ['network disconnect'],
    summary: 'Disconnect a container from a network',
    load: () => import('./commands/network/disconnect.ts'),
  },
  {
    paths: ['network inspect'],
    summary: 'Show all details of one or more networks',
    load: () => import('./commands/network/inspect.ts'),
  },
  {
    paths: ['network ls', 'network list'],
    summary: 'List networks',
    load: () => import('./commands/network/list.ts'),
  },
  {
    paths: ['network rm', 'network remove'],
    summary: 'Remove one or more networks',
    load: () => import('./commands/network/remove.ts'),
  },
  {
    paths: ['system events', 'events'],
    summary: 'Show what happens in the engine, as it happens',
    load: () => import('./commands/system/events.ts'),
  },
  {
    paths: ['system info', 'info'],
    summary: 'Show facts about the engine and this machine',
    load: () => import('./commands/system/info.ts'),
  },
  {
    paths: ['version'],
    summary: 'Show the versions of client and engine',
    load: () => import('./commands/system/version.ts'),
  },
  {
    paths: ['volume create'],
    summary: 'Create a volume',
    load: () => import('./commands/volume/create.ts'),
  },
  {
    paths: ['volume inspect'],
    summary: 'Show all details of one or more volumes',
    load: () => import('./commands/volume/inspect.ts'),
  },
  {
    paths: ['volume ls', 'volume list'],
    summary: 'List volumes',
    load: () => import('./commands/volume/list.ts'),
  },
  {
    paths: ['volume rm', 'volume remove'],
    summary: 'Remove one or more volumes',
    load: () => import('./commands/volume/remove.ts'),
  },
];

/** The entry that `path` names, or undefined. */
export function findCommand(path: string): CommandEntry | undefined {
  return COMMANDS.find((entry) => entry.paths.includes(path));
}

/** The name help and errors use for a command that was called as `path`: the first one of the same group. */
export function canonicalPath(entry: CommandEntry, path: string): string {
  const group = groupOf(path);
  return entry.paths.find((each) => groupOf(each) === group) ?? path;
}

/** The management command of a path, or an empty text for a command of the top level. */
export function groupOf(path: string): string {
  return path.includes(' ') ? (path.split(' ')[0] ?? '') : '';
}
