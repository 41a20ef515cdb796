/**
 * How records are written: one byte of format number, the lengths of the head and of the body (4 bytes each, big endian), a JSON head, then raw bytes.
 * Payloads stay bytes; what is small and structured is JSON that a person can read in a database.
 */
export class UnreadableRecord extends Error {
  override readonly name = 'UnreadableRecord';
}

const HEAD_LENGTH_AT = 1;
const BODY_LENGTH_AT = 5;
const HEAD_AT = 9;

/** Writes a frame; `head` is JSON. */
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
 * Reads a frame whose format is at most `newest`. Throws `UnreadableRecord` and nothing else: also when `read` stumbles over a head that is not what it
 * should be.
 */
export function decodeFrame<T>(bytes: Uint8Array, newest: number, what: string, read: (frame: Frame) => T): T {
  const frame = unpack(bytes, newest, what);
  try {
    return read(frame);
  } catch (cause) {
    throw cause instanceof UnreadableRecord
      ? cause
      : new UnreadableRecord(`${what}: its head is not what it should be: ${String(cause)}`);
  }
}

function unpack(bytes: Uint8Array, newest: number, what: string): Frame {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const format = buffer[0];
  if (format === undefined || buffer.length < HEAD_AT)
    throw new UnreadableRecord(`${what}: ${buffer.length} bytes are too few`);
  if (format < 1 || format > newest) {
    throw new UnreadableRecord(
      `${what}: format ${format} is unknown to this version (it reads 1 to ${newest}); a newer Holdfast wrote it`,
    );
  }
  const headEnd = HEAD_AT + buffer.readUInt32BE(HEAD_LENGTH_AT);
  const end = headEnd + buffer.readUInt32BE(BODY_LENGTH_AT);
  if (end !== buffer.length) throw new UnreadableRecord(`${what}: it should have ${end} bytes, not ${buffer.length}`);
  try {
    return { format, head: JSON.parse(buffer.toString('utf8', HEAD_AT, headEnd)), body: buffer.subarray(headEnd) };
  } catch (cause) {
    throw new UnreadableRecord(`${what}: its head is not JSON: ${String(cause)}`);
  }
}

/** Cuts a body into parts of these lengths and what is left. Throws `UnreadableRecord` when it is too short. */
export function splitBody(body: Uint8Array, lengths: readonly number[], what: string): [Uint8Array[], Uint8Array] {
  let at = 0;
  const parts = lengths.map((length) => body.subarray(at, (at += length)));
  if (at > body.length) throw new UnreadableRecord(`${what}: cut short`);
  return [parts, body.subarray(at)];
}

/** The value when it is one of a closed set. Throws `UnreadableRecord`. */
export function oneOf<T>(set: readonly T[], value: T, what: string): T {
  if (!set.includes(value)) throw new UnreadableRecord(`${what}: ${String(value)} is none of ${set.join(', ')}`);
  return value;
}

/** The value when it is a list. Throws `UnreadableRecord`. */
export function listOf<T>(value: readonly T[], what: string): readonly T[] {
  if (Array.isArray(value)) return value as readonly T[];
  throw new UnreadableRecord(`${what}: ${String(value)} is no list`);
}
