/** What the list commands share: `--format` as a table, JSON or a template. */

import { ExitError } from '../command.ts';
import { alignTabs } from './table.ts';
import { compileTemplate, type Template, TemplateError, TemplateSyntaxError } from './template/template.ts';
import { type TypedRow, toGoJson } from './template/values.ts';

/** A list: one function per column, and how it is shown when nothing else is asked for. */
export interface ListLayout<T> {
  /** The Go type that errors of templates name. */
  readonly typeName: string;
  /** The template of the plain table. */
  readonly table: string;
  /** Column titles by template name. A column without one cannot stand in a table's head. */
  readonly headers: Readonly<Record<string, string>>;
  /** A row's columns. Values that are functions take arguments (`.Label "x"`). */
  columns(item: T): Readonly<Record<string, unknown>>;
}

/** What `--format`, or the configuration, asks for. */
export type ListFormat =
  | { readonly kind: 'template'; readonly template: Template }
  | { readonly kind: 'table'; readonly template: Template }
  | { readonly kind: 'json' };

/** Understands a `--format` value. Throws docker's text for a template that cannot be parsed. */
export function parseListFormat(format: string, defaultTable: string): ListFormat {
  if (format === 'json') return { kind: 'json' };
  if (format === '' || format === 'table') return { kind: 'table', template: compile(defaultTable) };
  const table = /^table(?:\s|\\t)/.test(format);
  // A shell passes `\t` and `\n` as two characters.
  const source = (table ? format.slice('table'.length) : format).replaceAll('\\t', '\t').replaceAll('\\n', '\n');
  return { kind: table ? 'table' : 'template', template: compile(table ? source.trimStart() : source) };
}

function compile(source: string): Template {
  try {
    return compileTemplate(source);
  } catch (error) {
    if (error instanceof TemplateSyntaxError) throw new ExitError(`failed to parse template: ${error.message}`, 1);
    throw error;
  }
}

/** The lines of a list. */
export function renderList<T>(format: ListFormat, layout: ListLayout<T>, items: readonly T[]): string {
  const rows: TypedRow[] = items.map((item) => ({ typeName: layout.typeName, columns: layout.columns(item) }));
  if (format.kind === 'json') return rows.map((row) => `${toGoJson(row, true)}\n`).join('');
  const lines = rows.map((row) => execute(format.template, row));
  if (format.kind === 'template') return lines.map((line) => `${line}\n`).join('');
  const head: TypedRow = {
    typeName: layout.typeName,
    columns: { ...layout.headers, Label: labelTitle },
  };
  const all = [execute(format.template, head), ...lines];
  return alignTabs(all)
    .map((line) => `${line}\n`)
    .join('');
}

function execute(template: Template, row: TypedRow): string {
  try {
    return template.execute(row);
  } catch (error) {
    if (error instanceof TemplateError) throw new ExitError(`failed to execute template: ${error.message}`, 1);
    throw error;
  }
}

/** The title of a `.Label "a.b-c"` column: its last part, in words. */
function labelTitle(name: unknown): string {
  return (String(name).split('.').at(-1) ?? '').replace(/[-_]/g, ' ');
}

/** `a=b,c=d`, sorted, as lists print labels. */
export function labelText(labels: Readonly<Record<string, string>> | null | undefined): string {
  return Object.entries(labels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',');
}
