export { type Kernel, KernelError, startKernel } from './kernel.ts';
export { SystemError } from './libc.ts';
export * from './mountinfo.ts';
export type { AddressState, LinkState, Prefix } from './netlink/operations.ts';
export type * from './operations.ts';
export { openPidfd, type ProcessInfo, processStartTime, readProcess } from './process.ts';
export { type ProgramOptions, type ProgramResult, runProgram, waitForExit } from './run-program.ts';
