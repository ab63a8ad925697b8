export type { DownloadOptions } from './blob.ts';
export { type Credentials, parseCredentials } from './credentials.ts';
export * from './manifest.ts';
export * from './platform.ts';
export * from './reference.ts';
export {
  type ConnectOptions,
  openRegistry,
  type Registry,
  type RegistryOptions,
  type Repository,
} from './registry.ts';
export { RegistryError } from './registry-errors.ts';
