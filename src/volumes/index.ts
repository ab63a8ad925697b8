export type { VolumeFilters } from './filters.ts';
export { openVolumes, type VolumeEvent, type VolumeSpec, type Volumes, type VolumesOptions } from './volumes.ts';
