import { logTextOfThrown } from '@holdfast/protocol';

/**
 * The binary form of records: one byte of format number, the lengths of the head and of the body (4
 * bytes each, big endian), a JSON head, then raw bytes. Payloads stay bytes; small structured parts
 * are JSON that is readable in a database.
 */
export class UnreadableRecord extends Error {
  override readonly name = 'UnreadableRecord';
  /**
   * True: a later version of Holdfast wrote the record, and its nodes can read it. False: the
   * record is damaged.
   */
  readonly isLater: boolean;

  constructor(message: string, isLater = false) {
    super(message);
    this.isLater = isLater;
  }
}

/**
 * Formats are numbered consecutively. A first byte beyond this, such as a letter, belongs to text
 * from another program, not to a later format.
 */
const LAST_FORMAT = 31;
export const HEAD_LENGTH_AT = 1;
export const BODY_LENGTH_AT = 5;
export const HEAD_AT = 9;

/** Encodes a frame; `head` is JSON. */
export function encodeFrame(format: number, head: string, bodies: readonly Uint8Array[]): Uint8Array {
  const headLength = Buffer.byteLength(head);
  let bodyLength = 0;
  for (const body of bodies) bodyLength += body.length;
  let at = HEAD_AT + headLength;
  const frame = Buffer.allocUnsafe(at + bodyLength);
  frame[0] = format;
  frame.writeUInt32BE(headLength, HEAD_LENGTH_AT);
  frame.writeUInt32BE(bodyLength, BODY_LENGTH_AT);
  frame.write(head, HEAD_AT);
  for (const body of bodies) {
    frame.set(body, at);
    at += body.length;
  }
  return frame;
}

export interface Frame {
  readonly format: number;
  readonly head: unknown;
  readonly body: Uint8Array;
}

/**
 * Decodes a frame whose format is at most `newest`. Throws only `UnreadableRecord`, also if `read`
 * throws because of an unexpected head.
 */
export function decodeFrame<T>(bytes: Uint8Array, newest: number, what: string, read: (frame: Frame) => T): T {
  const frame = unpack(bytes, newest, what);
  try {
    return read(frame);
  } catch (cause) {
    throw cause instanceof UnreadableRecord
      ? cause
      : new UnreadableRecord(`${what}: its head is invalid: ${logTextOfThrown(cause)}`);
  }
}

function unpack(bytes: Uint8Array, newest: number, what: string): Frame {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const format = buffer[0];
  if (format === undefined || buffer.length < HEAD_AT)
    throw new UnreadableRecord(`${what}: ${buffer.length} bytes are too few`);
  if (format > newest && format <= LAST_FORMAT)
    throw new UnreadableRecord(
      `${what}: format ${format} is unknown to this version (it reads 1 to ${newest}); a newer Holdfast wrote it`,
      true,
    );
  if (format < 1 || format > LAST_FORMAT) throw new UnreadableRecord(`${what}: format ${format} does not exist`);
  const headEnd = HEAD_AT + buffer.readUInt32BE(HEAD_LENGTH_AT);
  const end = headEnd + buffer.readUInt32BE(BODY_LENGTH_AT);
  if (end !== buffer.length) throw new UnreadableRecord(`${what}: it should have ${end} bytes, not ${buffer.length}`);
  try {
    return { format, head: JSON.parse(buffer.toString('utf8', HEAD_AT, headEnd)), body: buffer.subarray(headEnd) };
  } catch (cause) {
    throw new UnreadableRecord(`${what}: its head is not JSON: ${logTextOfThrown(cause)}`);
  }
}

/**
 * Splits a body into parts of these lengths and the rest. Throws `UnreadableRecord` if it is too
 * short.
 */
export function splitBody(body: Uint8Array, lengths: readonly number[], what: string): [Uint8Array[], Uint8Array] {
  let at = 0;
  const parts = lengths.map((length) => body.subarray(at, (at += length)));
  if (at > body.length) throw new UnreadableRecord(`${what}: cut short`);
  return [parts, body.subarray(at)];
}

/** Returns the value if it is in a closed set. Throws `UnreadableRecord`. */
export function oneOf<T>(set: readonly T[], value: T, what: string): T {
  if (!set.includes(value)) throw new UnreadableRecord(`${what}: ${String(value)} is none of ${set.join(', ')}`);
  return value;
}

/** Returns the value if it is a list. Throws `UnreadableRecord`. */
export function listOf<T>(value: readonly T[], what: string): readonly T[] {
  if (Array.isArray(value)) return value as readonly T[];
  throw new UnreadableRecord(`${what}: ${String(value)} is not a list`);
}

/**
 * Returns the value if it is a finite number, or `usual` if it is undefined; with NaN as `usual`,
 * the number is required. Throws `UnreadableRecord`.
 */
export function numberOf(value: number | undefined, usual: number, what: string): number {
  const read = value === undefined ? usual : value;
  if (Number.isFinite(read)) return read;
  throw new UnreadableRecord(`${what}: ${String(value)} is not a number`);
}

/**
 * Returns the value if it is a string, or `usual` if it is undefined; without `usual`, the string
 * is required. Throws `UnreadableRecord`.
 */
export function textOf(value: string | undefined, usual: string | undefined, what: string): string {
  const read = value === undefined ? usual : value;
  if (typeof read === 'string') return read;
  throw new UnreadableRecord(`${what}: ${String(value)} is not a text`);
}

/**
 * Returns the value if it is a boolean, or `usual` if it is undefined. Throws `UnreadableRecord`.
 */
export function flagOf(value: boolean | undefined, usual: boolean, what: string): boolean {
  if (value === undefined) return usual;
  if (typeof value === 'boolean') return value;
  throw new UnreadableRecord(`${what}: ${String(value)} is neither true nor false`);
}
