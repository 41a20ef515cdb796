import { jsonParts } from './json-parts.ts';

/** A response: a status, a head for `writeHead`, a body. */
export interface Reply {
  readonly status: number;
  /** Flat list of names and values, with the content length if the body is one text. */
  readonly head: readonly string[];
  /**
   * A text, or the parts of a long one: each is created after the receiver has taken the parts
   * before it.
   */
  readonly body: string | Iterable<string>;
  /** For a body that is one text: Latin-1 for ASCII, which Node writes faster. */
  readonly encoding: 'latin1' | 'utf8';
}

export const JSON_TYPE = 'application/json';
export const PROBLEM_TYPE = 'application/problem+json';

/** A reply with a JSON body. */
export function jsonReply(
  status: number,
  value: unknown,
  contentType: string = JSON_TYPE,
  more: readonly string[] = [],
): Reply {
  return textReply(status, JSON.stringify(value), contentType, more);
}

/** A reply with a text body. */
export function textReply(status: number, body: string, contentType: string, more: readonly string[] = []): Reply {
  const bytes = Buffer.byteLength(body);
  const head = ['Content-Type', contentType, 'Content-Length', String(bytes), ...more];
  return { status, head, body, encoding: bytes === body.length ? 'latin1' : 'utf8' };
}

/** A reply with a JSON body of any length; `value` may contain `JsonBytes`. */
export function longJsonReply(status: number, value: unknown): Reply {
  const parts = jsonParts(value);
  const first = parts.next();
  const second = parts.next();
  if (first.done === true || second.done === true) return textReply(status, first.value ?? '', JSON_TYPE);
  const body = chained([first.value, second.value], parts);
  return { status, head: ['Content-Type', JSON_TYPE], body, encoding: 'utf8' };
}

function* chained(first: Iterable<string>, rest: Iterable<string>): Generator<string> {
  yield* first;
  yield* rest;
}

/** A success without a body. */
export const NO_CONTENT: Reply = { status: 204, head: [], body: '', encoding: 'latin1' };
