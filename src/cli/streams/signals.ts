/** Passes the signals the client receives on to a container. */

import type { EngineClient } from '../client/engine-client.ts';

/** Every signal a program can catch that is about the job it does; not those of its own children and pipes. */
const FORWARDED_SIGNALS: readonly NodeJS.Signals[] = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGTERM',
  'SIGCONT',
  'SIGTSTP',
  'SIGTTIN',
  'SIGTTOU',
];

/** Sends each signal to the container instead of obeying it, until disposed. */
export function forwardSignals(client: EngineClient, containerId: string): Disposable {
  const handlers = FORWARDED_SIGNALS.map((signal) => {
    const handler = () => {
      // The container may be gone by now, which its exit code will tell.
      client
        .call('POST', `/containers/${containerId}/kill`, { query: { signal: signal.slice('SIG'.length) } })
        .catch(() => undefined);
    };
    process.on(signal, handler);
    return { signal, handler };
  });
  return {
    [Symbol.dispose]() {
      for (const { signal, handler } of handlers) process.off(signal, handler);
    },
  };
}
