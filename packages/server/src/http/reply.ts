import { jsonParts } from './json-parts.ts';

/** A part of a stream. */
export type Part = string | Uint8Array;

/**
 * A stream: each part is requested after the receiver has taken the parts before it, so that a slow
 * receiver holds one part. `return` of its iterator is called when the receiver disconnects.
 */
export type Parts = Iterable<Part> | AsyncIterable<Part>;

/** A response: a status, a head for `writeHead`, a body. */
export interface Reply {
  readonly status: number;
  /** Flat list of names and values, with the content length unless the body is a stream. */
  readonly head: readonly string[];
  readonly body: string | Uint8Array | Parts;
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

/** A reply with a body of bytes. */
export function bytesReply(status: number, body: Uint8Array, contentType: string, more: readonly string[] = []): Reply {
  const head = ['Content-Type', contentType, 'Content-Length', String(body.length), ...more];
  return { status, head, body, encoding: 'latin1' };
}

/**
 * A reply with a body of any length, whose parts may be created over time. If a part cannot be
 * created, the connection is closed, so that the receiver does not take a part for the whole.
 */
export function streamReply(status: number, body: Parts, contentType: string, more: readonly string[] = []): Reply {
  return { status, head: ['Content-Type', contentType, ...more], body, encoding: 'utf8' };
}

/** Whether a body is a stream, which is sent in parts. */
export const isStream = (body: Reply['body']): boolean => typeof body !== 'string' && !(body instanceof Uint8Array);

/** A reply with a JSON body of any length; `value` may contain `JsonBytes`. */
export function longJsonReply(status: number, value: unknown): Reply {
  const parts = jsonParts(value);
  const first = parts.next();
  const second = parts.next();
  if (first.done === true || second.done === true) return textReply(status, first.value ?? '', JSON_TYPE);
  const body = chained([first.value, second.value], parts);
  return streamReply(status, body, JSON_TYPE);
}

function* chained(first: Iterable<string>, rest: Iterable<string>): Generator<string> {
  yield* first;
  yield* rest;
}

/** A success without a body. */
export const NO_CONTENT: Reply = { status: 204, head: [], body: '', encoding: 'latin1' };
