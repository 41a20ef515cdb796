/** The status codes of gRPC. */
export const GRPC_STATUS = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

/** Whether a content type is one of gRPC, so that the server, and no proxy, has responded. */
export const isGrpcType = (contentType: string): boolean => /^application\/grpc(?:[+;]|$)/i.test(contentType);

/**
 * The trailer with the time in ms after which a rejected call may be repeated: that of gRPC's retry
 * policies.
 */
export const RETRY_PUSHBACK = 'grpc-retry-pushback-ms';

/** Longest encoded `grpc-message`: some clients accept no more than 8 KB of header fields. */
const LONGEST_MESSAGE = 4 * 1024;
const PLAIN = /^[\x20-\x24\x26-\x7e]*$/;
/** Receivers drop a field whose value begins or ends with a space. */
const OUTER_SPACES = /^ | $/g;

/**
 * A text as the value of `grpc-message`: bytes of UTF-8 other than printable ASCII, and `%`, are
 * percent-encoded, and so are spaces at its ends. A long text is cut at a character.
 */
export function encodeGrpcMessage(text: string): string {
  if (text.length <= LONGEST_MESSAGE && PLAIN.test(text)) return text.replaceAll(OUTER_SPACES, '%20');
  let encoded = '';
  for (const character of text.slice(0, LONGEST_MESSAGE)) {
    const next = PLAIN.test(character) ? character : percentEncoded(character);
    if (encoded.length + next.length > LONGEST_MESSAGE) break;
    encoded += next;
  }
  return encoded.replaceAll(OUTER_SPACES, '%20');
}

function percentEncoded(character: string): string {
  let encoded = '';
  for (const byte of Buffer.from(character)) encoded += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  return encoded;
}

/** The text of a `grpc-message`. A `%` that begins no encoded byte stays, as gRPC requires. */
export function decodeGrpcMessage(value: string): string {
  if (!value.includes('%')) return value;
  const bytes: number[] = [];
  const raw = Buffer.from(value, 'latin1');
  for (let at = 0; at < raw.length; at++) {
    const hex = value.slice(at + 1, at + 3);
    if (raw[at] === 0x25 && /^[0-9a-f]{2}$/i.test(hex)) {
      bytes.push(Number.parseInt(hex, 16));
      at += 2;
    } else bytes.push(raw[at] as number);
  }
  return Buffer.from(bytes).toString();
}

const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** The milliseconds of a `grpc-timeout`, rounded up; undefined if it is malformed. */
export function parseGrpcTimeout(value: string): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(value);
  if (match === null) return undefined;
  return Math.ceil(Number(match[1]) * (UNIT_MS[match[2] as string] as number));
}

/** A `grpc-timeout` of at most eight digits: milliseconds, or seconds if they are too many. */
export function formatGrpcTimeout(ms: number): string {
  const whole = Math.max(1, Math.ceil(ms));
  return whole < 1e8 ? `${whole}m` : `${Math.min(99_999_999, Math.ceil(whole / 1_000))}S`;
}

/**
 * Metadata of a response whose message is a JSON text. Participants of Holdfast's SDK send it, so
 * that an initiator does not have to guess what the bytes of a response are.
 */
export const MESSAGE_FORM = { name: 'holdfast-message', json: 'json' } as const;
