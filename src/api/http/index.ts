export {
  array,
  boolean,
  decode,
  integer,
  integerOf,
  list,
  map,
  nullable,
  number,
  optional,
  type Shape,
  struct,
  text,
  words,
} from './decode.ts';
export { Exchange } from './exchange.ts';
export { frame } from './frames.ts';
export { MULTIPLEXED_STREAM, RAW_STREAM } from './hijack.ts';
export { type Handler, type Route, Router, route } from './router.ts';
export { createApiServer } from './server.ts';
export { type ApiVersion, isAtLeast } from './versions.ts';
