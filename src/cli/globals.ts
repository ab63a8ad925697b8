/** The flags that stand before the command: which engine to speak to, and how. */

import { type Flags, list, text, toggle } from './options/flag.ts';

/** docker's levels; the client itself logs nothing below `debug`. */
const LEVELS = ['debug', 'info', 'warn', 'error', 'fatal', 'trace', 'panic', 'warning'];

/** The global flags. `configDirectory` is the default of `--config`. */
export function globalFlags(configDirectory: string) {
  return {
    config: text('Directory of the client configuration', { initial: configDirectory }),
    context: text('Accepted for compatibility; only "default" exists', { shorthand: 'c', hidden: true }),
    debug: toggle('Print the requests to the engine on standard error', { shorthand: 'D' }),
    host: list('Address of the engine (unix:///path or tcp://host:port)', { shorthand: 'H' }),
    'log-level': text('Level of the log ("debug", "info", "warn", "error", "fatal")', {
      shorthand: 'l',
      initial: 'info',
    }),
    version: toggle('Print the version and quit', { shorthand: 'v' }),
  } satisfies Flags;
}

/** Throws if `level` is none of docker's. */
export function checkLogLevel(level: string): void {
  if (!LEVELS.includes(level)) throw new Error(`Unable to parse logging level: ${level}`);
}
