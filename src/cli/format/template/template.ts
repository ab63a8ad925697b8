/** Go templates (`--format`) over JSON data and over rows of list commands. */

import { FunctionError, TEMPLATE_FUNCTIONS } from './functions.ts';
import { type Node, type Operand, type Pipeline, parseTemplate } from './parser.ts';
import {
  compareStrings,
  isMapField,
  isObject,
  isTrue,
  isTypedRow,
  mayBeMissing,
  printValue,
  toGoJson,
} from './values.ts';

export { TemplateSyntaxError } from './lexer.ts';

/** Running a template failed; the message is Go's, from `template: ` on. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
}

/** A parsed template. */
export interface Template {
  /** Runs the template on `data`. Throws {@link TemplateError}. */
  execute(data: unknown): string;
}

const FUNCTION_NAMES = new Set(Object.keys(TEMPLATE_FUNCTIONS));

/** Parses a template. Throws TemplateSyntaxError. */
export function compileTemplate(source: string): Template {
  const nodes = parseTemplate(source, FUNCTION_NAMES);
  return { execute: (data) => new Execution(data).run(nodes) };
}

/** A value and the name of the field it was read from, which stands in for its lost Go type. */
interface Named {
  readonly value: unknown;
  readonly name?: string | undefined;
}

type Scope = Map<string, Named>;
/** Leaves a range early. */
class LoopJump {
  readonly kind: 'break' | 'continue';
  constructor(kind: 'break' | 'continue') {
    this.kind = kind;
  }
}

class Execution {
  readonly #scopes: Scope[];
  #output = '';

  constructor(data: unknown) {
    this.#scopes = [new Map([['$', { value: data }]])];
  }

  run(nodes: readonly Node[]): string {
    this.#list(nodes, this.#variable('$'));
    return this.#output;
  }

  #list(nodes: readonly Node[], dot: Named): void {
    for (const node of nodes) {
      switch (node.kind) {
        case 'text':
          this.#output += node.text;
          break;
        case 'print': {
          const result = this.#pipeline(node.pipeline, dot);
          if (node.pipeline.variables.length === 0) this.#output += printValue(result.value, result.name);
          break;
        }
        case 'break':
        case 'continue':
          throw new LoopJump(node.kind);
        default:
          this.#scoped(() => this.#control(node, dot));
      }
    }
  }

  #scoped(work: () => void): void {
    this.#scopes.push(new Map());
    try {
      work();
    } finally {
      this.#scopes.pop();
    }
  }

  #control(node: Extract<Node, { pipeline: Pipeline; body: readonly Node[] }>, dot: Named): void {
    if (node.kind === 'range') {
      this.#range(node, dot);
      return;
    }
    const condition = this.#pipeline(node.pipeline, dot);
    if (isTrue(condition.value)) this.#list(node.body, node.kind === 'with' ? condition : dot);
    else this.#list(node.otherwise, dot);
  }

  #range(node: Extract<Node, { body: readonly Node[] }>, dot: Named): void {
    const { pipeline } = node;
    const subject = this.#pipeline({ ...pipeline, variables: [] }, dot);
    const entries = elements(subject.value, pipeline);
    if (entries.length === 0) {
      this.#list(node.otherwise, dot);
      return;
    }
    const names = pipeline.variables;
    for (const [key, value] of entries) {
      try {
        this.#scoped(() => {
          const [keyName, valueName] = names.length === 2 ? names : [undefined, names[0]];
          if (keyName !== undefined) this.#scopes.at(-1)?.set(keyName, { value: key });
          if (valueName !== undefined) this.#scopes.at(-1)?.set(valueName, { value });
          this.#list(node.body, { value });
        });
      } catch (error) {
        if (!(error instanceof LoopJump)) throw error;
        if (error.kind === 'break') return;
      }
    }
  }

  #pipeline(pipeline: Pipeline, dot: Named): Named {
    let result: Named | undefined;
    for (const command of pipeline.commands) result = this.#command(command, dot, result);
    const value = result ?? { value: undefined };
    for (const name of pipeline.variables) {
      if (pipeline.declares) this.#scopes.at(-1)?.set(name, value);
      else this.#scopes.findLast((scope) => scope.has(name))?.set(name, value);
    }
    return value;
  }

  #command(operands: readonly Operand[], dot: Named, piped: Named | undefined): Named {
    const [first, ...rest] = operands;
    if (first === undefined) return { value: undefined };
    if (first.kind === 'function') return this.#call(first, rest, dot, piped);
    if (first.kind === 'fields') return this.#fields(first, dot, rest, piped);
    if (rest.length > 0 || piped !== undefined) {
      throw failure(first, `can't give argument to non-function ${first.text}`);
    }
    return this.#operand(first, dot);
  }

  #call(called: Operand & { kind: 'function' }, rest: readonly Operand[], dot: Named, piped: Named | undefined): Named {
    const { name } = called;
    if (name === 'and' || name === 'or') {
      let last: Named = { value: undefined };
      for (const operand of rest) {
        last = this.#operand(operand, dot);
        if (isTrue(last.value) === (name === 'or')) return last;
      }
      return piped ?? last;
    }
    const given = [...rest.map((operand) => this.#operand(operand, dot)), ...(piped === undefined ? [] : [piped])];
    try {
      if (name === 'json') return { value: toGoJson(given[0]?.value, false, given[0]?.name) };
      const values = given.map((each) => (each.value === null && isMapField(each.name) ? {} : each.value));
      // print and println know a null's type by the field it came from.
      const shown = name.startsWith('print') && name !== 'printf';
      const printable = given.map((each) =>
        typeof each.value === 'object' ? printValue(each.value, each.name) : each.value,
      );
      const value = TEMPLATE_FUNCTIONS[name]?.(...(shown ? printable : values));
      return { value };
    } catch (error) {
      if (!(error instanceof FunctionError)) throw error;
      const reason =
        error.message.startsWith('error calling') || error.message.startsWith('wrong type')
          ? error.message
          : `error calling ${name}: ${error.message}`;
      const whole = { ...called, text: [called, ...rest].map((operand) => operand.text).join(' ') };
      throw failure(rest[0] !== undefined && reason.startsWith('wrong type') ? rest[0] : whole, reason);
    }
  }

  #operand(operand: Operand, dot: Named): Named {
    switch (operand.kind) {
      case 'dot':
        return dot;
      case 'nil':
        return { value: null };
      case 'literal':
        return { value: operand.value };
      case 'variable':
        return this.#variable(operand.name, operand);
      case 'fields':
        return this.#fields(operand, dot, [], undefined);
      case 'pipeline':
        return this.#pipeline(operand.pipeline, dot);
      case 'function':
        return this.#call(operand, [], dot, undefined);
    }
  }

  #variable(name: string, operand?: Operand): Named {
    const scope = this.#scopes.findLast((each) => each.has(name));
    const value = scope?.get(name);
    if (value !== undefined) return value;
    throw operand === undefined
      ? new TemplateError(`undefined variable ${name}`)
      : failure(operand, `undefined variable ${JSON.stringify(name)}`);
  }

  #fields(
    operand: Operand & { kind: 'fields' },
    dot: Named,
    rest: readonly Operand[],
    piped: Named | undefined,
  ): Named {
    let current = operand.base === undefined ? dot : this.#operand(operand.base, dot);
    for (const [index, name] of operand.names.entries()) {
      const value = readField(current, name, operand, index);
      if (typeof value === 'function') {
        const given = [
          ...rest.map((each) => this.#operand(each, dot).value),
          ...(piped === undefined ? [] : [piped.value]),
        ];
        current = { value: value(...given), name };
      } else current = { value, name };
    }
    return current;
  }
}

/** Reads a field; knows which fields engines leave out, and that Go's field names differ in case from JSON's. */
function readField(from: Named, name: string, operand: Operand, index: number): unknown {
  const { value } = from;
  if (isTypedRow(value)) {
    if (Object.hasOwn(value.columns, name)) return value.columns[name];
    throw failure(operand, `can't evaluate field ${name} in type *formatter.${value.typeName}`);
  }
  if (value === undefined || value === null) {
    if (index === 0 && value === undefined) return undefined;
    throw failure(operand, `nil pointer evaluating interface {}.${name}`);
  }
  if (!isObject(value)) throw failure(operand, `can't evaluate field ${name} in type interface {}`);
  if (Object.hasOwn(value, name)) return value[name];
  if (isMapField(from.name)) return undefined;
  const key = Object.keys(value).find((each) => each.toLowerCase() === name.toLowerCase());
  if (key !== undefined) return value[key];
  if (mayBeMissing(name)) return null;
  throw failure(operand, `map has no entry for key ${JSON.stringify(name)}`);
}

function elements(value: unknown, pipeline: Pipeline): [unknown, unknown][] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return [...value.entries()];
  if (typeof value === 'number') return Array.from({ length: value }, (_, index) => [index, index]);
  if (isObject(value)) return Object.entries(value).sort(([a], [b]) => compareStrings(a, b));
  const subject = pipeline.commands[0]?.[0];
  const reason = `range can't iterate over ${printValue(value)}`;
  throw subject === undefined ? new TemplateError(reason) : failure(subject, reason);
}

function failure(operand: Operand, reason: string): TemplateError {
  return new TemplateError(`template: ${operand.place}: executing "" at <${operand.text}>: ${reason}`);
}
