/** One signature: its version and its base64, such as `v1,K5oZfzN95Z9UVu1E…`. */
export type Signature = `${'v1' | 'v1a'},${string}`;

/** The body of a call: a text is sent as UTF-8. */
export type Body = Uint8Array | string;

/** The headers of a signed call, in lower case, as names of gRPC metadata are. */
export const SIGNATURE_HEADERS = {
  /** Standard Webhooks: see `callId`. */
  id: 'webhook-id',
  /** Standard Webhooks: seconds since the epoch, when the call was sent. */
  timestamp: 'webhook-timestamp',
  /** Standard Webhooks: signatures of ID, timestamp and body, separated by spaces. */
  signature: 'webhook-signature',
  /** Different for each request that the coordinator sends, a repeated one included. */
  nonce: 'holdfast-nonce',
  /** Host and port that the call was sent to. */
  host: 'holdfast-host',
  /** Signatures of what the standard ones do not cover: see `callContent`. */
  call: 'holdfast-signature',
} as const;

const NAMES: ReadonlySet<string> = new Set(Object.values(SIGNATURE_HEADERS));

/** Whether a header, with its name in lower case, is one of a signed call. */
export const isSignatureHeader = (lowerName: string): boolean => NAMES.has(lowerName);

/** The beginning of what `webhook-signature` signs; the body follows. */
export const bodyPrefix = (id: string, timestamp: string): string => `${id}.${timestamp}.`;

/** What `holdfast-signature` signs, apart from the signature of the body. */
export interface CallParts {
  readonly nonce: string;
  readonly method: string;
  /** Path and query as sent; over gRPC see `grpcTarget`. */
  readonly target: string;
  readonly host: string;
  readonly id: string;
  readonly timestamp: string;
}

/**
 * What `holdfast-signature` signs. The signature of the body by the same key is a part of it, so
 * that the body need not be read twice, and that signatures of two calls cannot be combined. No ID
 * contains a line break, so this is never the beginning of what `webhook-signature` signs.
 */
export const callContent = ({ nonce, method, target, host, id, timestamp }: CallParts, ofBody: string): string =>
  `holdfast-call-v1\n${nonce}\n${method} ${target}\n${host}\n${id}.${timestamp}\n${ofBody}`;

/** The signed bytes in one piece, behind `before`. */
export function contentOf(prefix: string, body: Body, before: Uint8Array = NOTHING): Buffer {
  const [text, rest] = typeof body === 'string' ? [prefix + body, NOTHING] : [prefix, body];
  const bodyAt = before.length + Buffer.byteLength(text);
  const bytes = Buffer.allocUnsafe(bodyAt + rest.length);
  bytes.set(before);
  bytes.write(text, before.length);
  bytes.set(rest, bodyAt);
  return bytes;
}

const NOTHING = new Uint8Array(0);
