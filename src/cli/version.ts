/** The client's own version, replaced by the bundler with the one in package.json. */

declare const GANTRY_VERSION: string | undefined;
declare const GANTRY_COMMIT: string | undefined;

/** Version of this client; `0.1.0-dev` when run from sources. */
export const CLIENT_VERSION: string = typeof GANTRY_VERSION === 'string' ? GANTRY_VERSION : '0.1.0-dev';

/** Commit this client was built from. */
export const CLIENT_COMMIT: string = typeof GANTRY_COMMIT === 'string' ? GANTRY_COMMIT : 'unknown';

/** The program's name in usage lines and errors. */
export const PROGRAM = 'gantry';
