/** What goes back: a status, a head ready for `writeHead`, a body. */
export interface Reply {
  readonly status: number;
  /** Flat list of names and values, content length included. */
  readonly head: readonly string[];
  readonly body: string;
  /** Latin-1 for ASCII texts, which Node writes faster. */
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

/** A reply with a text that is ready to be sent. */
export function textReply(status: number, body: string, contentType: string, more: readonly string[] = []): Reply {
  const bytes = Buffer.byteLength(body);
  const head = ['Content-Type', contentType, 'Content-Length', String(bytes), ...more];
  return { status, head, body, encoding: bytes === body.length ? 'latin1' : 'utf8' };
}

/** Done, and nothing to say. */
export const NO_CONTENT: Reply = { status: 204, head: [], body: '', encoding: 'latin1' };
