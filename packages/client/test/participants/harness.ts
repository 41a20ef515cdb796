import type { Readable } from 'node:stream';
import { request } from 'undici';
import { afterEach } from 'vitest';
import type { Barrier } from '../../src/barrier/barrier.ts';
import type { BarrierHandler, BranchHandler, BranchOptions, ErrorOptions } from '../../src/participants/call.ts';

/** What a framework's module exports, and how its handlers are served. */
export interface Framework<Route> {
  readonly branch: {
    <P>(handler: BranchHandler<P>, options?: BranchOptions<P>): Route;
    <P, Tx>(barrier: Barrier<Tx>, handler: BarrierHandler<P, Tx>, options?: BranchOptions<P>): Route;
  };
  readonly checkBack: (barrier: Barrier<unknown>, options?: ErrorOptions) => Route;
  /** Serves the route at `/debit` for POST and GET; resolves to the base URL. */
  readonly serve: (route: Route) => Promise<Served>;
  /** Calls the URL; default: over HTTP. */
  readonly call?: (url: string, called: Called) => Promise<Response>;
}

/** A response in the terms of HTTP. */
export interface Response {
  readonly status: number;
  readonly text: string;
  readonly type: string | string[] | undefined;
}

export interface Served {
  readonly url: string;
  close(): Promise<void>;
}

/** The query of a call of a step. */
export const CALL = 'gid=g-1&trans_type=saga&branch_id=01&op=action';
/** The query of a check-back. */
export const MESSAGE = 'gid=g-1&trans_type=msg&branch_id=00&op=msg';

/** The differences from a call by POST with `CALL` and an amount of 30. */
export interface Called {
  readonly query?: string;
  /** null: GET without a body. */
  readonly body?: string | Buffer | Readable | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A framework's adapter as used by the cases. */
export type Participant<Route> = ReturnType<typeof participantOf<Route>>;

/** Call it within a `describe`: everything it serves is closed after each test. */
export function participantOf<Route>({ branch, checkBack, serve, call = callHttp }: Framework<Route>) {
  const open: Served[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((server) => server.close()));
  });

  /** Serves a route until the test ends; resolves to its URL. */
  async function served(route: Route): Promise<string> {
    const server = await serve(route);
    open.push(server);
    return `${server.url}/debit`;
  }

  const callOf = (url: string, { query = CALL, body = '{"amount":30}', headers = {} }: Called = {}) =>
    call(url, { query, body, headers });

  /** Serves a handler, and calls it once. */
  async function called<P>(handler: BranchHandler<P>, options: BranchOptions<P> = {}, what: Called = {}) {
    const { status, text } = await callOf(await served(branch(handler, options)), what);
    return { status, body: json(text), text };
  }

  return { branch, checkBack, served, callOf, called };
}

async function callHttp(url: string, { query, body = null, headers = {} }: Called): Promise<Response> {
  const response = await request(`${url}?${query}`, {
    method: body === null ? 'GET' : 'POST',
    body,
    headers: named(body === null ? headers : { 'content-type': 'application/json', ...headers }),
  });
  const text = await response.body.text();
  return { status: response.statusCode, text, type: response.headers['content-type'] };
}

/** The headers that are not empty: a case removes a header by setting it to an empty text. */
const named = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== ''));

/** A parser of payloads with an amount. */
export function parseAmount(body: unknown): { readonly amount: number } {
  if (typeof body !== 'object' || body === null || !('amount' in body)) throw new Error('amount is missing');
  return { amount: Number(body.amount) };
}

/** Undefined for what is not JSON: a framework's own error page. */
export function json(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
