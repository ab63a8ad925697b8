/** An object of an HTTP answer whose fields a test looks up by name; nothing is known to be there. */
export interface JsonObject {
  readonly [key: string]: Json;
}

/** Any JSON value, indexable as object and as array at once: tests assert on values, so wrong guesses fail there. */
export type Json = JsonObject & readonly Json[];
