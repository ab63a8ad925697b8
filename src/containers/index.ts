export type { AttachRequest, ClientStream } from './attach.ts';
export { type Containers, createContainers } from './containers.ts';
export type { ContainerContext } from './context.ts';
export type { CreateRequest } from './create.ts';
export type { LogEntry, LogRequest } from './logs.ts';
export { ContainerStore } from './store.ts';
