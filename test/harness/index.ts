/** What tests use: engines of their own, clients, images, registries. */
export { type ContainerRequest, EngineClient, freshImage, type RunResult } from './client.ts';
export { type EngineOptions, startEngine, suiteEngine, TestEngine } from './engine.ts';
export { Answer } from './http.ts';
export * from './images.ts';
export type { Json } from './json.ts';
export { HOST_ADDRESS } from './namespaces.ts';
export { type OutsideHost, startOutsideHost } from './outside.ts';
export { type ProgramResult, runOrFail, runProgram } from './program.ts';
export * from './registry.ts';
export { Collector, demultiplex, frames, type Hijacked } from './streams.ts';
export { readTar, type TarEntry, tar } from './tar.ts';
