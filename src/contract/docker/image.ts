/** Wire types of the image resource (Docker API v1.51). */

import type { ContainerConfig } from './container.ts';

/** An entry of `GET /images/json`. */
export interface ImageSummary {
  Id: string;
  ParentId: string;
  RepoTags: string[];
  RepoDigests: string[];
  /** Seconds since 1970. */
  Created: number;
  Size: number;
  SharedSize: number;
  VirtualSize?: number;
  Labels: Record<string, string> | null;
  Containers: number;
}

/** `GET /images/{name}/json`. */
export interface ImageInspect {
  Id: string;
  RepoTags: string[];
  RepoDigests: string[];
  Parent: string;
  Comment: string;
  Created: string;
  DockerVersion: string;
  Author: string;
  Config: Partial<ContainerConfig> | null;
  Architecture: string;
  Variant?: string;
  Os: string;
  Size: number;
  VirtualSize?: number;
  ContainerConfig?: Partial<ContainerConfig>;
  GraphDriver: { Name: string; Data: Record<string, string> };
  RootFS: { Type: string; Layers?: string[] };
  Metadata: { LastTagTime: string };
}

/** An entry of `GET /images/{name}/history`. */
export interface ImageHistoryEntry {
  Id: string;
  /** Seconds since 1970. */
  Created: number;
  CreatedBy: string;
  Tags: string[] | null;
  Size: number;
  Comment: string;
}

/** An entry of the answer of `DELETE /images/{name}`. */
export type ImageDeleteEntry = { Untagged: string } | { Deleted: string };

/** One line of the progress streams of pull, load, import (`jsonmessage`). */
export interface ProgressMessage {
  stream?: string;
  status?: string;
  progressDetail?: { current?: number; total?: number; units?: string; hidecounts?: boolean };
  id?: string;
  progress?: string;
  error?: string;
  errorDetail?: { code?: number; message: string };
  aux?: unknown;
}
