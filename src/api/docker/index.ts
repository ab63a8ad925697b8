export { containerRoutes } from './container.routes.ts';
export { execRoutes } from './exec.routes.ts';
export { imageRoutes } from './image.routes.ts';
export { networkRoutes } from './network.routes.ts';
export { standardHeaders, systemRoutes } from './system.routes.ts';
export { volumeRoutes } from './volume.routes.ts';
