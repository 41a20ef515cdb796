import type { CallContext } from '@holdfast/core';
import type { HoldfastError } from '@holdfast/protocol';
import { nearest } from '@holdfast/protocol';
import type { Reply } from './reply.ts';

/** The input of a route. */
export interface RouteRequest {
  readonly context: CallContext;
  readonly query: URLSearchParams;
  /** Values of the `:name` segments of its path, in order. */
  readonly params: readonly string[];
  /** The body's text; empty if the route reads none. */
  readonly body: string;
}

/** One method on one path of one transport. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'ANY';
  /** Whether it is served to callers that are not authenticated: health probes. */
  readonly isPublic?: true;
  /** Segments that start with `:` match any one segment. */
  readonly path: string;
  /** Whether the body is read. */
  readonly readsBody: boolean;
  /**
   * Whether a request takes one of the places for responses of any length; by default none does.
   */
  readonly takesPlace?: (query: URLSearchParams) => boolean;
  run(request: RouteRequest): Reply | Promise<Reply>;
  /**
   * Passes the rejection of a request that does not get to `run` to the interceptors of the route's
   * operation. Rejects with the error for the response. Absent: the route has no single operation.
   */
  readonly reject?: (context: CallContext, error: HoldfastError, params: readonly string[]) => Promise<never>;
  /** Whether a GET changes something; then it is rejected if a browser sent it. */
  readonly isCommand?: boolean;
  /** Converts an error to this transport's response. */
  fail(error: HoldfastError): Reply;
}

export type Match =
  | { readonly kind: 'route'; readonly route: Route; readonly params: readonly string[] }
  | { readonly kind: 'wrong-method'; readonly allow: readonly string[] }
  | { readonly kind: 'unknown'; readonly nearest: string | undefined };

interface Path {
  readonly segments: readonly string[];
  readonly routes: Map<string, Route>;
}

const NO_PARAMS: readonly string[] = [];
/** Longest path for which a similar one is searched: the cost grows with the length. */
const LONGEST_GUESSED = 64;

/**
 * Finds the route of a path: fixed paths by one lookup, paths with parameters by their segments.
 */
export class Router {
  readonly #fixed = new Map<string, Map<string, Route>>();
  readonly #patterns: Path[] = [];

  constructor(routes: readonly Route[]) {
    for (const route of routes) this.#add(route);
  }

  /** Every path. */
  get paths(): readonly string[] {
    return [...this.#fixed.keys(), ...this.#patterns.map(({ segments }) => segments.join('/'))];
  }

  match(method: string, path: string): Match {
    const fixed = this.#fixed.get(path);
    if (fixed !== undefined) return choose(fixed, method, NO_PARAMS);
    const segments = path.split('/');
    for (const pattern of this.#patterns) {
      const params = paramsOf(pattern.segments, segments);
      if (params !== undefined) return choose(pattern.routes, method, params);
    }
    return { kind: 'unknown', nearest: path.length > LONGEST_GUESSED ? undefined : nearest(path, this.paths) };
  }

  #add(route: Route): void {
    const routes = route.path.includes('/:') ? this.#patternRoutes(route.path) : this.#fixedRoutes(route.path);
    if (routes.has(route.method)) throw new Error(`two routes for ${route.method} ${route.path}`);
    routes.set(route.method, route);
  }

  #fixedRoutes(path: string): Map<string, Route> {
    const known = this.#fixed.get(path) ?? new Map<string, Route>();
    this.#fixed.set(path, known);
    return known;
  }

  #patternRoutes(path: string): Map<string, Route> {
    const known = this.#patterns.find(({ segments }) => segments.join('/') === path);
    if (known !== undefined) return known.routes;
    const added = { segments: path.split('/'), routes: new Map<string, Route>() };
    this.#patterns.push(added);
    return added.routes;
  }
}

/**
 * HEAD is a GET whose response has no body (RFC 9110, 9.3.2), so a GET that changes something does
 * not serve it.
 */
function choose(routes: ReadonlyMap<string, Route>, method: string, params: readonly string[]): Match {
  const read = routes.get('GET');
  const head = read?.isCommand === true ? undefined : read;
  const route = (method === 'HEAD' ? head : routes.get(method)) ?? routes.get('ANY');
  if (route !== undefined) return { kind: 'route', route, params };
  const allow = [...routes.keys()];
  return { kind: 'wrong-method', allow: head === undefined ? allow : [...allow, 'HEAD'] };
}

function paramsOf(pattern: readonly string[], segments: readonly string[]): readonly string[] | undefined {
  if (pattern.length !== segments.length) return undefined;
  const params: string[] = [];
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index] ?? '';
    if (part.startsWith(':')) params.push(decodeSegment(segment));
    else if (part !== segment) return undefined;
  }
  return params;
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
