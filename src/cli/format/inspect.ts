/** What the inspect commands share: a JSON array of everything found, or a template per object. */

import { ExitError } from '../command.ts';
import { messageOf } from '../failure.ts';
import type { Output } from '../streams/output.ts';
import { indentJson, parseExact } from './json-text.ts';
import { compileTemplate, TemplateError, TemplateSyntaxError } from './template/template.ts';

/** docker's exit code for a template that cannot be parsed. */
export const EXIT_BAD_TEMPLATE = 64;

/** Finds one object; resolves to its JSON text. */
export type Finder = (reference: string) => Promise<string>;

/**
 * Inspects each reference and prints what was found; errors are printed after it. Resolves to the exit code. Throws
 * an ExitError if the template is wrong.
 */
export async function inspectAll(
  output: Output,
  references: readonly string[],
  format: string,
  find: Finder,
): Promise<number> {
  const print = inspectPrinter(format);
  const found: string[] = [];
  const failures: string[] = [];
  let stopped: string | undefined;
  for (const reference of references) {
    try {
      const text = await find(reference);
      const shown = print.add(text);
      if (shown !== undefined) found.push(shown);
    } catch (error) {
      if (error instanceof TemplateError) {
        stopped = `template parsing error: ${error.message}`;
        break;
      }
      failures.push(messageOf(error));
    }
  }
  output.out(print.finish(found));
  if (stopped !== undefined) throw new ExitError(stopped, 1);
  if (failures.length > 0) throw new ExitError(failures.join('\n'), 1);
  return 0;
}

/** Renders one object (`info`, `version`) with a template or as one line of JSON. */
export function renderObject(format: string, value: unknown, text: string): string {
  if (format === 'json') return `${text}\n`;
  const template = compileInspectTemplate(format);
  try {
    return `${template.execute(value)}\n`;
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new ExitError(error.message, 1);
  }
}

interface InspectPrinter {
  /** One object's lines, or its JSON for the array at the end. */
  add(text: string): string | undefined;
  finish(found: readonly string[]): string;
}

function inspectPrinter(format: string): InspectPrinter {
  if (format === '') {
    return {
      add: (text) => text.trim(),
      finish: (found) => `${indentJson(`[${found.join(',')}]`)}\n`,
    };
  }
  if (format === 'json') return { add: (text) => text.trim(), finish: (found) => `[${found.join(',')}]\n` };
  const template = compileInspectTemplate(format);
  return {
    add: (text) => `${template.execute(parseExact(text))}\n`,
    // docker prints an empty line when a template matched nothing.
    finish: (found) => (found.length === 0 ? '\n' : found.join('')),
  };
}

function compileInspectTemplate(format: string): ReturnType<typeof compileTemplate> {
  try {
    return compileTemplate(format);
  } catch (error) {
    if (!(error instanceof TemplateSyntaxError)) throw error;
    throw new ExitError(`template parsing error: ${error.message}`, EXIT_BAD_TEMPLATE);
  }
}
