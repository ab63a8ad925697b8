import { invalidParameter } from '../../base/index.ts';
import type { Exchange } from './exchange.ts';

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS';

/** What a route does with a request: answers through the exchange, or throws an EngineError. */
export type Handler = (exchange: Exchange) => Promise<void> | void;

/** One line of the API: method, path pattern without version prefix, handler. */
export interface Route {
  readonly method: Method;
  /** Literal segments, `:name` for one segment, and `:name*` for the rest of the path (image names contain slashes). */
  readonly path: string;
  readonly handler: Handler;
}

/** A route, written as one line of a route table. */
export function route(method: Method, path: string, handler: Handler): Route {
  return { method, path, handler };
}

interface CompiledRoute extends Route {
  readonly pattern: RegExp;
  readonly names: readonly string[];
}

/** Finds the route of a request: the first in table order whose method and pattern match. */
export class Router {
  readonly #routes: readonly CompiledRoute[];

  constructor(routes: readonly Route[]) {
    this.#routes = routes.map(compile);
  }

  /** The matching route and its decoded path parameters, or undefined. */
  find(method: string, path: string): { handler: Handler; parameters: Record<string, string> } | undefined {
    for (const candidate of this.#routes) {
      if (candidate.method !== method) continue;
      const match = candidate.pattern.exec(path);
      if (!match) continue;
      const values = candidate.names.map((name, index) => [name, decodeSegment(match[index + 1] ?? '')]);
      return { handler: candidate.handler, parameters: Object.fromEntries(values) };
    }
    return undefined;
  }
}

function decodeSegment(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalidParameter(`invalid URL escape "${text}"`);
  }
}

function compile(source: Route): CompiledRoute {
  const names: string[] = [];
  const pattern = source.path.replace(/:(\w+)(\*?)/g, (_, name: string, rest: string) => {
    names.push(name);
    return rest === '*' ? '(.+)' : '([^/]+)';
  });
  return { ...source, names, pattern: new RegExp(`^${pattern}$`) };
}
