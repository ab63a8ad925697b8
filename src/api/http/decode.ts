import { invalidParameter } from '../../base/index.ts';

/**
 * The shape of a JSON value as the Docker API defines it. Decoding follows Go's encoding/json, because clients rely on
 * it: unknown fields are ignored, names match without regard to case, null leaves the zero value, a wrong type is
 * refused with Go's words.
 */
export type Shape =
  | { readonly kind: 'string' | 'boolean' | 'number' }
  /** A whole number of one of Go's types. */
  | { readonly kind: 'integer'; readonly type: keyof typeof GO_INTEGERS }
  /** A value that may be absent or null: decodes to null where JSON has none. */
  | { readonly kind: 'nullable'; readonly of: Shape }
  /** A value that stays undefined where JSON has none. */
  | { readonly kind: 'optional'; readonly of: Shape }
  | { readonly kind: 'list'; readonly of: Shape }
  /** A Go array: always so many values, what is missing is zero and what is too much ignored. */
  | { readonly kind: 'array'; readonly of: Shape; readonly length: number }
  | { readonly kind: 'map'; readonly of: Shape }
  /** Docker's "string or list of strings" (Cmd, Entrypoint). */
  | { readonly kind: 'words' }
  | { readonly kind: 'struct'; readonly name: string; readonly fields: Readonly<Record<string, Shape>> };

export const text: Shape = { kind: 'string' };
export const boolean: Shape = { kind: 'boolean' };
export const integer: Shape = { kind: 'integer', type: 'int64' };
export const integerOf = (type: keyof typeof GO_INTEGERS): Shape => ({ kind: 'integer', type });
export const number: Shape = { kind: 'number' };
export const words: Shape = { kind: 'words' };
export const list = (of: Shape): Shape => ({ kind: 'list', of });
export const array = (of: Shape, length: number): Shape => ({ kind: 'array', of, length });
export const map = (of: Shape): Shape => ({ kind: 'map', of });
export const nullable = (of: Shape): Shape => ({ kind: 'nullable', of });
export const optional = (of: Shape): Shape => ({ kind: 'optional', of });

/** A struct whose field table must name exactly the fields of `T`. */
export function struct<T>(name: string, fields: { readonly [K in keyof Required<T>]: Shape }): Shape {
  return { kind: 'struct', name, fields };
}

/** Smallest and largest values of Go's integer types (the Go specification, "Numeric types"). */
const GO_INTEGERS = {
  int64: [-(2 ** 63), 2 ** 63 - 1],
  uint16: [0, 2 ** 16 - 1],
  uint: [0, 2 ** 64 - 1],
} as const;

/** How Go names a kind of value in its complaints. */
const GO_TYPE_NAMES = {
  string: 'string',
  boolean: 'bool',
  integer: '',
  number: 'float64',
  nullable: '',
  optional: '',
  list: '[]string',
  array: '[]uint',
  map: 'map[string]string',
  words: 'string',
  struct: '',
} as const satisfies Record<Shape['kind'], string>;

/**
 * `value` (parsed JSON) as a `T` of that shape, with zero values for what is missing.
 * Throws invalidParameter with Go's text for a value of the wrong type.
 */
export function decode<T>(shape: Shape, value: unknown): T {
  return decodeValue(shape, value, { structName: '', path: [] }) as T;
}

interface Place {
  readonly structName: string;
  readonly path: readonly string[];
}

function decodeValue(shape: Shape, value: unknown, place: Place): unknown {
  if (value === undefined || value === null) return zeroValue(shape);
  switch (shape.kind) {
    case 'string':
    case 'boolean':
    case 'number':
      return typeof value === shape.kind ? value : wrongType(shape, value, place);
    case 'integer':
      return isIntegerOf(shape.type, value) ? value : wrongType(shape, value, place);
    case 'nullable':
    case 'optional':
      return decodeValue(shape.of, value, place);
    case 'words':
      if (typeof value === 'string') return [value];
      return decodeValue(list(text), value, place);
    case 'list':
      if (!Array.isArray(value)) return wrongType(shape, value, place);
      return value.map((item) => decodeValue(shape.of, item, place));
    case 'array':
      if (!Array.isArray(value)) return wrongType(shape, value, place);
      return Array.from({ length: shape.length }, (_, index) => decodeValue(shape.of, value[index], place));
    case 'map':
      if (!isObject(value)) return wrongType(shape, value, place);
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, decodeValue(shape.of, item, place)]));
    case 'struct':
      if (!isObject(value)) return wrongType(shape, value, place);
      return decodeStruct(shape, value, place);
  }
}

function decodeStruct(shape: Shape & { kind: 'struct' }, value: object, place: Place): Record<string, unknown> {
  const given = new Map(Object.entries(value).map(([name, item]) => [name.toLowerCase(), item]));
  const result: Record<string, unknown> = {};
  for (const [field, fieldShape] of Object.entries(shape.fields)) {
    const decoded = decodeValue(fieldShape, given.get(field.toLowerCase()), {
      structName: place.structName === '' ? shape.name : place.structName,
      path: [...place.path, field],
    });
    if (decoded !== undefined) result[field] = decoded;
  }
  return result;
}

function zeroValue(shape: Shape): unknown {
  switch (shape.kind) {
    case 'string':
      return '';
    case 'boolean':
      return false;
    case 'integer':
    case 'number':
      return 0;
    case 'struct':
      return decodeStruct(shape, {}, { structName: '', path: [] });
    case 'optional':
      return undefined;
    case 'array':
      return Array.from({ length: shape.length }, () => zeroValue(shape.of));
    default:
      return null;
  }
}

function wrongType(shape: Shape, value: unknown, place: Place): never {
  const given = shape.kind === 'integer' && typeof value === 'number' ? `number ${value}` : jsonTypeName(value);
  const wanted = goTypeName(shape);
  const where = place.path.length === 0 ? `Go value` : `Go struct field ${place.structName}.${place.path.join('.')}`;
  throw invalidParameter(`invalid JSON: json: cannot unmarshal ${given} into ${where} of type ${wanted}`);
}

function goTypeName(shape: Shape): string {
  if (shape.kind === 'struct') return shape.name;
  return shape.kind === 'integer' ? shape.type : GO_TYPE_NAMES[shape.kind];
}

function isIntegerOf(type: keyof typeof GO_INTEGERS, value: unknown): boolean {
  const [least, most] = GO_INTEGERS[type];
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;
}

function jsonTypeName(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return typeof value;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
