import type { ExecInspect } from '../contract/docker/index.ts';
import type { ContainerContext } from './context.ts';
import { findExec } from './exec.ts';

/** What `GET /exec/{id}/json` shows. Throws notFound. */
export function inspectExec(context: ContainerContext, id: string): ExecInspect {
  const { config, container, state } = findExec(context, id);
  const [entrypoint = '', ...rest] = config.Cmd ?? [];
  return {
    ID: id,
    Running: state.name === 'running' || state.name === 'starting',
    ExitCode: state.name === 'ended' ? state.exitCode : null,
    ProcessConfig: {
      tty: config.Tty === true,
      entrypoint,
      arguments: rest,
      privileged: config.Privileged === true,
      ...(config.User && { user: config.User }),
    },
    OpenStdin: config.AttachStdin === true,
    OpenStderr: config.AttachStderr === true,
    OpenStdout: config.AttachStdout === true,
    CanRemove: false,
    ContainerID: container.id,
    DetachKeys: config.DetachKeys ?? '',
    Pid: state.name === 'running' ? state.pid : 0,
  };
}
