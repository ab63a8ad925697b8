/** Gantry's own version. */
export const ENGINE_VERSION = '0.1.0';

/**
 * What `GET /version` and `/info` give as the server's version: the Docker release whose behaviour is followed, because
 * clients switch features by it.
 */
export const COMPATIBLE_DOCKER_VERSION = '28.5.2';
