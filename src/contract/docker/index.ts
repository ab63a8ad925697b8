export * from './container.ts';
export * from './image.ts';
export * from './network.ts';
export * from './system.ts';
export * from './volume.ts';
