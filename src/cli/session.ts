/** What a command works with: the engine's client, the configuration, and the standard streams. */

import { type ClientConfig, readClientConfig } from './client/config.ts';
import { EngineClient } from './client/engine-client.ts';
import { resolveHost } from './client/host.ts';
import type { Output } from './streams/output.ts';

/** Everything a command may use besides its arguments. */
export interface Session {
  readonly client: EngineClient;
  readonly config: ClientConfig;
  readonly environment: NodeJS.ProcessEnv;
  readonly output: Output;
}

/** Where the client configuration is unless `--config` says otherwise. */
export function defaultConfigDirectory(environment: NodeJS.ProcessEnv): string {
  return environment.DOCKER_CONFIG || `${environment.HOME ?? '/root'}/.docker`;
}

/** Opens a session; connects to nothing yet. Throws if the host's address is malformed. */
export function openSession(options: {
  config: string;
  debug: boolean;
  hosts: readonly string[];
  environment: NodeJS.ProcessEnv;
  output: Output;
}): Session {
  const { environment, output } = options;
  const config = readClientConfig(options.config);
  return {
    config,
    environment,
    output,
    client: new EngineClient({
      host: resolveHost(options.hosts, environment),
      apiVersion: environment.DOCKER_API_VERSION || undefined,
      headers: config.httpHeaders,
      trace: options.debug ? (line) => output.error(`DEBU ${line}\n`) : undefined,
    }),
  };
}
