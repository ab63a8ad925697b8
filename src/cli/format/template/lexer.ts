/** Splits a Go template into text and the tokens of its actions (text/template, "Actions"). */

/** A token inside `{{ }}`. */
export type Token =
  | { readonly kind: 'field'; readonly value: string }
  | { readonly kind: 'variable'; readonly value: string }
  | { readonly kind: 'identifier'; readonly value: string }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'symbol'; readonly value: string };

/** A piece of the template. */
export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly tokens: readonly PlacedToken[] };

/** A token with its place in the source and its text, for errors. */
export type PlacedToken = Token & { readonly column: number; readonly line: number; readonly spaceBefore: boolean };

/** The template cannot be parsed; the message is that of Go's text/template. */
export class TemplateSyntaxError extends Error {
  override readonly name = 'TemplateSyntaxError';
  constructor(line: number, reason: string) {
    super(`template: :${line}: ${reason}`);
  }
}

/** Cuts `source` into text and actions, trimming blanks where an action says `{{-` or `-}}`. */
export function splitTemplate(source: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  let trimNext = false;
  for (;;) {
    const open = source.indexOf('{{', at);
    let text = source.slice(at, open < 0 ? source.length : open);
    if (trimNext) text = text.trimStart();
    if (open < 0) {
      if (text !== '') pieces.push({ kind: 'text', text });
      return pieces;
    }
    const trimBefore = /^\{\{-[ \t\r\n]/.test(source.slice(open, open + 4));
    if (trimBefore) text = text.trimEnd();
    if (text !== '') pieces.push({ kind: 'text', text });
    const start = open + (trimBefore ? 3 : 2);
    const comment = /^\s*\/\*[\s\S]*?\*\/\s*(-?)\}\}/.exec(source.slice(start));
    if (comment) {
      trimNext = comment[1] === '-';
      at = start + comment[0].length;
      continue;
    }
    const { tokens, end, trimAfter } = readAction(source, start);
    pieces.push({ kind: 'action', tokens });
    trimNext = trimAfter;
    at = end;
  }
}

const PATTERNS: readonly [RegExp, (match: string, line: number) => Token][] = [
  [/"(?:[^"\\\n]|\\.)*"/y, (match, line) => ({ kind: 'string', value: unquote(match, line) })],
  [/`[^`]*`/y, (match) => ({ kind: 'string', value: match.slice(1, -1) })],
  [/'(?:[^'\\\n]|\\.)+'/y, (match, line) => ({ kind: 'number', value: characterCode(match, line) })],
  [
    /[+-]?(?:0[xX][0-9a-fA-F_]+|\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)/y,
    (match) => ({ kind: 'number', value: Number(match.replaceAll('_', '')) }),
  ],
  [/\.[\p{L}_][\p{L}\p{N}_]*/uy, (match) => ({ kind: 'field', value: match.slice(1) })],
  [/\$[\p{L}\p{N}_]*/uy, (match) => ({ kind: 'variable', value: match })],
  [/[\p{L}_][\p{L}\p{N}_]*/uy, (match) => ({ kind: 'identifier', value: match })],
  [/:=|[=|(),.]/y, (match) => ({ kind: 'symbol', value: match })],
];

function readAction(source: string, start: number): { tokens: PlacedToken[]; end: number; trimAfter: boolean } {
  const tokens: PlacedToken[] = [];
  let at = start;
  for (;;) {
    const blanks = /^\s*/.exec(source.slice(at))?.[0].length ?? 0;
    const spaceBefore = blanks > 0;
    const rest = source.slice(at + blanks, at + blanks + 3);
    if (rest.startsWith('}}')) return { tokens, end: at + blanks + 2, trimAfter: false };
    if (spaceBefore && rest === '-}}') return { tokens, end: at + blanks + 3, trimAfter: true };
    at += blanks;
    const line = source.slice(0, at).split('\n').length;
    if (at >= source.length) throw new TemplateSyntaxError(line, 'unclosed action');
    const token = readToken(source, at, line);
    tokens.push({ ...token.token, column: at - (source.lastIndexOf('\n', at - 1) + 1), line, spaceBefore });
    at += token.length;
  }
}

function readToken(source: string, at: number, line: number): { token: Token; length: number } {
  for (const [pattern, make] of PATTERNS) {
    pattern.lastIndex = at;
    const match = pattern.exec(source)?.[0];
    if (match !== undefined) return { token: make(match, line), length: match.length };
  }
  const character = source.charAt(at);
  if (character === '"') throw new TemplateSyntaxError(line, 'unterminated quoted string');
  if (character === '`') throw new TemplateSyntaxError(line, 'unterminated raw quoted string');
  if (/[!-~]/.test(character))
    throw new TemplateSyntaxError(line, `unexpected ${JSON.stringify(character)} in command`);
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  throw new TemplateSyntaxError(line, `unrecognized character in action: U+${code} '${character}'`);
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
};

function unquote(quoted: string, line: number): string {
  return quoted
    .slice(1, -1)
    .replace(/\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)/g, (_, code: string) => {
      if (/^[xuU]/.test(code)) return String.fromCodePoint(Number.parseInt(code.slice(1), 16));
      if (/^[0-7]{3}$/.test(code)) return String.fromCodePoint(Number.parseInt(code, 8));
      const character = ESCAPES[code];
      if (character === undefined) throw new TemplateSyntaxError(line, 'invalid syntax');
      return character;
    });
}

function characterCode(quoted: string, line: number): number {
  return unquote(quoted, line).codePointAt(0) ?? 0;
}
