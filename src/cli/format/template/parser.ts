/** Turns the tokens of a Go template into a tree (text/template's grammar without nested template definitions). */

import { type PlacedToken, splitTemplate, TemplateSyntaxError } from './lexer.ts';

/** Something with a value. `text` and `place` are for errors. */
export type Operand = { readonly text: string; readonly place: string } & (
  | { readonly kind: 'dot' }
  | { readonly kind: 'nil' }
  | { readonly kind: 'literal'; readonly value: string | number | boolean }
  | { readonly kind: 'fields'; readonly base: Operand | undefined; readonly names: readonly string[] }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'pipeline'; readonly pipeline: Pipeline }
);

/** `command | command`, perhaps assigned to variables. */
export interface Pipeline {
  readonly variables: readonly string[];
  readonly declares: boolean;
  readonly commands: readonly (readonly Operand[])[];
}

/** A node of the tree. */
export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'print'; readonly pipeline: Pipeline }
  | {
      readonly kind: 'if' | 'with' | 'range';
      readonly pipeline: Pipeline;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    }
  | { readonly kind: 'break' | 'continue' };

const KEYWORDS = new Set(['if', 'else', 'end', 'range', 'with', 'break', 'continue', 'define', 'template', 'block']);

/** Parses a template. `functions` are the names that may be called. Throws {@link TemplateSyntaxError}. */
export function parseTemplate(source: string, functions: ReadonlySet<string>): Node[] {
  const pieces = splitTemplate(source);
  return new TreeParser(pieces, functions).parse();
}

class TreeParser {
  readonly #pieces: ReturnType<typeof splitTemplate>;
  readonly #functions: ReadonlySet<string>;
  #at = 0;
  #line = 1;

  constructor(pieces: ReturnType<typeof splitTemplate>, functions: ReadonlySet<string>) {
    this.#pieces = pieces;
    this.#functions = functions;
  }

  parse(): Node[] {
    const { nodes, ending } = this.#list();
    if (ending !== undefined) throw new TemplateSyntaxError(this.#line, `unexpected {{${ending[0]?.value}}}`);
    return nodes;
  }

  /** Nodes up to `end`, `else` or the end of the template; `ending` are the tokens of the closing action. */
  #list(): { nodes: Node[]; ending: readonly PlacedToken[] | undefined } {
    const nodes: Node[] = [];
    for (;;) {
      const piece = this.#pieces[this.#at++];
      if (piece === undefined) return { nodes, ending: undefined };
      if (piece.kind === 'text') {
        nodes.push(piece);
        continue;
      }
      const [first] = piece.tokens;
      if (first === undefined) throw new TemplateSyntaxError(this.#line, 'missing value for command');
      this.#line = first.line;
      if (first.kind === 'identifier' && (first.value === 'end' || first.value === 'else')) {
        return { nodes, ending: piece.tokens };
      }
      nodes.push(this.#action(piece.tokens));
    }
  }

  #action(tokens: readonly PlacedToken[]): Node {
    const [first, ...rest] = tokens;
    if (first?.kind === 'identifier' && KEYWORDS.has(first.value)) {
      switch (first.value) {
        case 'if':
        case 'with':
        case 'range':
          return this.#control(first.value, rest);
        case 'break':
        case 'continue':
          return { kind: first.value };
        default:
          throw new TemplateSyntaxError(first.line, `unexpected <${first.value}> in command`);
      }
    }
    return { kind: 'print', pipeline: this.#pipeline(tokens, 'command') };
  }

  #control(kind: 'if' | 'with' | 'range', tokens: readonly PlacedToken[]): Node {
    const pipeline = this.#pipeline(tokens, kind);
    const { nodes: body, ending } = this.#list();
    if (ending === undefined) throw new TemplateSyntaxError(this.#line, 'unexpected EOF');
    if (ending[0]?.value === 'end') return { kind, pipeline, body, otherwise: [] };
    const chained = ending[1];
    if (chained?.kind === 'identifier' && (chained.value === 'if' || chained.value === 'with')) {
      return { kind, pipeline, body, otherwise: [this.#control(chained.value, ending.slice(2))] };
    }
    const otherwise = this.#list();
    if (otherwise.ending === undefined) throw new TemplateSyntaxError(this.#line, 'unexpected EOF');
    if (otherwise.ending[0]?.value !== 'end') throw new TemplateSyntaxError(this.#line, 'unexpected {{else}}');
    return { kind, pipeline, body, otherwise: otherwise.nodes };
  }

  #pipeline(tokens: readonly PlacedToken[], context: string): Pipeline {
    const assign = tokens.findIndex(
      (token) => token.kind === 'symbol' && (token.value === ':=' || token.value === '='),
    );
    const variables = tokens.slice(0, Math.max(0, assign)).flatMap((token) => {
      if (token.kind === 'variable') return [token.value];
      if (token.kind === 'symbol' && token.value === ',') return [];
      throw new TemplateSyntaxError(token.line, `unexpected ${JSON.stringify(token.value)} in ${context}`);
    });
    const commands = new CommandParser(tokens.slice(assign + 1), this.#functions, this.#line, context).all();
    return { variables, declares: tokens[assign]?.value === ':=', commands };
  }
}

/** Parses what stands between `|`, with parentheses. */
class CommandParser {
  readonly #tokens: readonly PlacedToken[];
  readonly #functions: ReadonlySet<string>;
  readonly #line: number;
  readonly #context: string;
  #at = 0;

  constructor(tokens: readonly PlacedToken[], functions: ReadonlySet<string>, line: number, context: string) {
    this.#tokens = tokens;
    this.#functions = functions;
    this.#line = line;
    this.#context = context;
  }

  all(): Operand[][] {
    const commands = this.#commands();
    const extra = this.#tokens[this.#at];
    if (extra !== undefined) throw this.#unexpected(extra);
    return commands;
  }

  #commands(): Operand[][] {
    const commands: Operand[][] = [[]];
    for (;;) {
      const token = this.#tokens[this.#at];
      if (token === undefined || this.#isSymbol(token, ')')) break;
      if (this.#isSymbol(token, '|')) {
        this.#at++;
        commands.push([]);
        continue;
      }
      commands.at(-1)?.push(this.#operand());
    }
    if (commands.some((command) => command.length === 0)) {
      throw new TemplateSyntaxError(this.#line, `missing value for ${this.#context}`);
    }
    return commands;
  }

  #operand(): Operand {
    const base = this.#simple();
    const names: string[] = [];
    const chain = this.#tokens[this.#at];
    for (
      let next = this.#tokens[this.#at];
      next?.kind === 'field' && !next.spaceBefore;
      next = this.#tokens[this.#at]
    ) {
      names.push(next.value);
      this.#at++;
    }
    if (names.length === 0) return base;
    const text = `${base.text}.${names.join('.')}`;
    if (base.kind === 'fields' && base.base === undefined) {
      // Go places a chain at its second field.
      const place = chain === undefined ? base.place : `:${chain.line}:${chain.column}`;
      return { ...base, text, place, names: [...base.names, ...names] };
    }
    return { kind: 'fields', base, names, text, place: base.place };
  }

  #simple(): Operand {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw new TemplateSyntaxError(this.#line, 'unexpected EOF');
    const place = `:${token.line}:${token.column}`;
    switch (token.kind) {
      case 'field':
        return { kind: 'fields', base: undefined, names: [token.value], text: `.${token.value}`, place };
      case 'variable':
        return { kind: 'variable', name: token.value, text: token.value, place };
      case 'string':
        return { kind: 'literal', value: token.value, text: JSON.stringify(token.value), place };
      case 'number':
        return { kind: 'literal', value: token.value, text: String(token.value), place };
      case 'identifier':
        return this.#word(token.value, token.line, place);
      case 'symbol':
        break;
    }
    if (token.value === '.') return { kind: 'dot', text: '.', place };
    if (token.value !== '(') throw this.#unexpected(token);
    const commands = this.#commands();
    if (!this.#isSymbol(this.#tokens[this.#at++], ')'))
      throw new TemplateSyntaxError(this.#line, 'unclosed left paren');
    return { kind: 'pipeline', pipeline: { variables: [], declares: false, commands }, text: '(…)', place };
  }

  #word(word: string, line: number, place: string): Operand {
    if (word === 'true' || word === 'false') return { kind: 'literal', value: word === 'true', text: word, place };
    if (word === 'nil') return { kind: 'nil', text: word, place };
    if (!this.#functions.has(word)) {
      throw new TemplateSyntaxError(line, `function ${JSON.stringify(word)} not defined`);
    }
    return { kind: 'function', name: word, text: word, place };
  }

  #isSymbol(token: PlacedToken | undefined, symbol: string): boolean {
    return token?.kind === 'symbol' && token.value === symbol;
  }

  #unexpected(token: PlacedToken): TemplateSyntaxError {
    return new TemplateSyntaxError(token.line, `unexpected ${JSON.stringify(String(token.value))} in ${this.#context}`);
  }
}
