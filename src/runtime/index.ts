export type { ShimSettings } from '../contract/shim.ts';
export { requireCapabilities } from './capabilities.ts';
export { type CommandFailure, commandFailure } from './command-failure.ts';
export type { OciMount, OciProcess, OciSpec } from './oci.ts';
export { chooseRuntimes, findProgram, type RuntimeEntry } from './runtime-choice.ts';
export { createRuntime, type OciRuntime } from './runtimes.ts';
export { parseSeccompProfile, type SeccompProfile } from './seccomp.ts';
export { connectShim, type ShimAttachment, ShimConnection, ShimStartError } from './shim-client.ts';
export { readExitRecord, readProcessId, readStartTime, shimArguments } from './shim-files.ts';
export {
  buildEnvironment,
  buildProcess,
  buildSpec,
  DEFAULT_MASKED_PATHS,
  DEFAULT_READONLY_PATHS,
  type HostFacts,
  type NamespaceChoice,
  type ResolvedUser,
  type SecurityRequest,
  type SpecRequest,
} from './spec.ts';
