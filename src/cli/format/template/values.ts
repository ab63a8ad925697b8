/** How Go prints and compares values, for data that arrives as JSON and so has lost its Go types. */

/**
 * Names of fields that hold a Go map; every other JSON object comes from a struct. The two print differently
 * (`map[a:b]`, `{b}`), and only maps may lack a key.
 */
const MAP_FIELDS = new Set([
  'Annotations',
  'Attributes',
  'AuxiliaryAddresses',
  'Containers',
  'Data',
  'DriverOpts',
  'ExposedPorts',
  'IndexConfigs',
  'Labels',
  'Networks',
  'Options',
  'PortBindings',
  'Ports',
  'Runtimes',
  'StorageOpt',
  'Sysctls',
  'Tmpfs',
  'Volumes',
]);

/** Fields that are a pointer in Go and print as `<nil>` when JSON has null. */
const POINTER_FIELDS = new Set([
  'ConsoleSize',
  'Health',
  'Healthcheck',
  'IPAMConfig',
  'Init',
  'MemorySwappiness',
  'OomKillDisable',
  'PidsLimit',
  'StopTimeout',
  'SizeRootFs',
  'SizeRw',
  'GenericResources',
  'RemoteManagers',
]);

/** Fields that dockerd leaves out when they are empty, so that their absence is no error. */
const OMITTED_WHEN_EMPTY = new Set([
  ...POINTER_FIELDS,
  'Annotations',
  'ArgsEscaped',
  'BindOptions',
  'ImageManifestDescriptor',
  'MacAddress',
  'Mounts',
  'Name',
  'NetworkDisabled',
  'Shell',
  'Status',
  'StopSignal',
  'StorageOpt',
  'Sysctls',
  'Tmpfs',
  'Variant',
]);

/** True if a field of this name holds a map. */
export const isMapField = (name: string | undefined): boolean => name !== undefined && MAP_FIELDS.has(name);

/** True if a missing field of this name means an empty value. */
export const mayBeMissing = (name: string): boolean => OMITTED_WHEN_EMPTY.has(name);

/** A row of a list command: named columns with methods, of a Go type that errors name. */
export interface TypedRow {
  readonly typeName: string;
  readonly columns: Readonly<Record<string, unknown>>;
}

export function isTypedRow(value: unknown): value is TypedRow {
  return isObject(value) && typeof value.typeName === 'string' && isObject(value.columns);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Go's truth of templates: not the zero value, not empty. */
export function isTrue(value: unknown): boolean {
  if (value === undefined || value === null) return false;
  if (Array.isArray(value)) return value.length > 0;
  if (isObject(value)) return isTypedRow(value) || Object.keys(value).length > 0;
  return Boolean(value);
}

/** What fmt.Print writes for a value; `name` is the field it came from, if any. */
export function printValue(value: unknown, name?: string): string {
  if (value === undefined) return '<no value>';
  if (value === null) return printNull(name);
  if (Array.isArray(value)) return `[${value.map((each) => printValue(each)).join(' ')}]`;
  if (!isObject(value)) return typeof value === 'number' ? printNumber(value) : String(value);
  if (isTypedRow(value)) return `{${value.typeName}}`;
  if (isMapField(name)) {
    const keys = Object.keys(value).sort(compareStrings);
    return `map[${keys.map((key) => `${key}:${printValue(value[key])}`).join(' ')}]`;
  }
  return `{${Object.entries(value)
    .map(([key, each]) => printValue(each, key))
    .join(' ')}}`;
}

function printNull(name: string | undefined): string {
  if (name === undefined || POINTER_FIELDS.has(name)) return '<nil>';
  return isMapField(name) ? 'map[]' : '[]';
}

/** %v of a number: integers plain, large floats in exponent form from 1e+21 on. */
export function printNumber(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e21
    ? BigInt(value).toString()
    : String(value).replace(/e\+?(-?)(\d)$/, 'e$10$2');
}

/** Byte order, as Go sorts. */
export function compareStrings(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * JSON as Go's encoder writes it: map keys sorted, and with `escapeHtml` the characters `<>&` escaped.
 * `name` is the field the value came from.
 */
export function toGoJson(value: unknown, escapeHtml: boolean, name?: string): string {
  if (value === undefined || value === null) return 'null';
  if (typeof value === 'string') return jsonString(value, escapeHtml);
  if (Array.isArray(value)) return `[${value.map((each) => toGoJson(each, escapeHtml)).join(',')}]`;
  if (!isObject(value)) return typeof value === 'number' ? printNumber(value) : String(value);
  // docker's rows write their own JSON, with HTML characters always escaped.
  if (isTypedRow(value)) return toGoJson(Object.fromEntries(rowEntries(value)), true);
  const entries = Object.entries(value);
  if (isMapField(name)) entries.sort(([a], [b]) => compareStrings(a, b));
  return `{${entries.map(([key, each]) => `${jsonString(key, escapeHtml)}:${toGoJson(each, escapeHtml, key)}`).join(',')}}`;
}

/** The columns of a row that take no argument, sorted, as docker's formatter marshals them. */
function rowEntries(row: TypedRow): [string, unknown][] {
  return Object.entries(row.columns)
    .filter(([, value]) => typeof value !== 'function')
    .sort(([a], [b]) => compareStrings(a, b));
}

function jsonString(value: string, escapeHtml: boolean): string {
  const text = JSON.stringify(value).replace(/[\u2028\u2029]/g, unicodeEscape);
  return escapeHtml ? text.replace(/[<>&]/g, unicodeEscape) : text;
}

const unicodeEscape = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
