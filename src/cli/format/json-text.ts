/** Changes JSON texts without parsing them, so that key order and numbers stay as the engine wrote them. */

const INDENT = '    ';

/** Indents a JSON text by four blanks a level (Go's json.Indent). */
export function indentJson(text: string): string {
  let depth = 0;
  let result = '';
  const newline = () => `\n${INDENT.repeat(depth)}`;
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g) ?? [];
  for (const [index, token] of tokens.entries()) {
    const next = tokens[index + 1];
    if (token === '{' || token === '[') {
      result += token;
      if (next === '}' || next === ']') continue;
      depth++;
      result += newline();
    } else if (token === '}' || token === ']') {
      const previous = tokens[index - 1];
      if (previous !== '{' && previous !== '[') {
        depth--;
        result += newline();
      }
      result += token;
    } else if (token === ',') result += `,${newline()}`;
    else if (token === ':') result += ': ';
    else result += token;
  }
  return result;
}

/** Parses JSON; integers that a double cannot hold become bigints. */
export function parseExact(text: string): unknown {
  return JSON.parse(text, exactNumbers);
}

/** A reviver that keeps integers beyond 2^53 (times in nanoseconds) exact. */
function exactNumbers(this: unknown, _key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  return context?.source !== undefined && /^-?\d+$/.test(context.source) ? BigInt(context.source) : value;
}
