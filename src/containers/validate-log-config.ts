import { invalidParameter } from '../base/index.ts';
import type { LogConfig } from '../contract/docker/index.ts';
import { parseSize } from './size.ts';

/** What json-file takes (docs.docker.com, "JSON File logging driver"). */
const JSON_FILE_OPTIONS: ReadonlySet<string> = new Set([
  'max-file',
  'max-size',
  'compress',
  'labels',
  'labels-regex',
  'env',
  'env-regex',
  'tag',
]);

/** What every driver takes: how the container's output waits for it. */
const DELIVERY_OPTIONS: ReadonlySet<string> = new Set(['mode', 'max-buffer-size']);

const DELIVERY_MODES = ['', 'blocking', 'non-blocking'];

/** Throws invalidParameter for a log driver that does not exist and for options it does not have. */
export function validateLogConfig({ Type: driver, Config: options }: LogConfig): void {
  if (driver === 'none') return;
  if (driver !== '' && driver !== 'json-file') {
    throw invalidParameter(`error looking up logging plugin ${driver}: plugin "${driver}" not found`);
  }
  validateDelivery(options ?? {});
  for (const name of Object.keys(options ?? {})) {
    if (JSON_FILE_OPTIONS.has(name) || DELIVERY_OPTIONS.has(name)) continue;
    throw invalidParameter(`unknown log opt '${name}' for json-file log driver`);
  }
}

function validateDelivery(options: Readonly<Record<string, string>>): void {
  const { mode = '', 'max-buffer-size': bufferSize } = options;
  if (!DELIVERY_MODES.includes(mode)) throw invalidParameter(`logger: logging mode not supported: ${mode}`);
  if (bufferSize === undefined) return;
  if (mode !== 'non-blocking') {
    throw invalidParameter("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
  }
  if (parseSize(bufferSize, 1024) === undefined) {
    throw invalidParameter(`error parsing option max-buffer-size: invalid size: '${bufferSize}'`);
  }
}
