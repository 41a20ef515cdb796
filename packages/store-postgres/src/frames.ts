import { STORE_LIMITS } from '@holdfast/core/store';
import { kindOf } from './frame-bodies.ts';

/** The kind of a message and its length; the length counts itself but not the kind. */
const HEADER_BYTES = 5;
/**
 * No message of another kind than the long ones is longer: the limit of PostgreSQL's own client.
 */
const SHORT_BYTES = 30_000;
/**
 * Well above the longest row that the store can read: two bodies, each byte as two hexadecimal
 * digits.
 */
const LONG_BYTES = 8 * STORE_LIMITS.itemBytes;

const EMPTY = Buffer.alloc(0);

/**
 * Passes on the messages of a server once they are complete and checked. A message that violates
 * the protocol causes an exception before the client's parser receives it. Of an incomplete message
 * at most `LONG_BYTES` and one chunk are kept.
 */
export class Frames {
  /** A message in part, in the order of arrival. */
  #parts: Buffer[] = [];
  #bytes = 0;
  /** How many bytes the message in part needs for the next step: its header, or all of it. */
  #wanted = HEADER_BYTES;

  /** Calls `pass` with the complete messages. Throws after those that precede an invalid one. */
  receive(chunk: Buffer, pass: (messages: Buffer) => void): void {
    this.#bytes += chunk.length;
    if (this.#parts.length > 0 || this.#bytes < this.#wanted) this.#parts.push(chunk);
    if (this.#bytes < this.#wanted) return;
    const received = this.#parts.length === 0 ? chunk : Buffer.concat(this.#parts, this.#bytes);
    const { end, wanted, fault } = walk(received);
    // Only the incomplete rest is kept; the client copies what it needs of the messages.
    const rest = end === received.length ? EMPTY : received.subarray(end);
    this.#parts = rest.length === 0 ? [] : [rest];
    this.#bytes = rest.length;
    this.#wanted = wanted;
    if (end > 0) pass(end === received.length ? received : received.subarray(0, end));
    if (fault !== undefined) throw new Error(`the server sent what is not of the PostgreSQL protocol: ${fault}`);
  }
}

interface Walked {
  /** The end of the complete messages. */
  readonly end: number;
  /** The bytes that the next message needs for the next step. */
  readonly wanted: number;
  /** The fault of the next message. */
  readonly fault?: string;
}

function walk(bytes: Buffer): Walked {
  let at = 0;
  while (at + HEADER_BYTES <= bytes.length) {
    const code = bytes[at] ?? 0;
    const length = bytes.readUInt32BE(at + 1);
    const kind = kindOf(code);
    if (kind === undefined) return { end: at, wanted: 0, fault: `a message of the kind ${code}` };
    if (length < 4 || length > (kind.long === true ? LONG_BYTES : SHORT_BYTES))
      return { end: at, wanted: 0, fault: `${kind.name} of ${length} bytes` };
    const next = at + 1 + length;
    if (next > bytes.length) return { end: at, wanted: 1 + length };
    const fault = kind.check(bytes, at + HEADER_BYTES, next);
    if (fault !== undefined) return { end: at, wanted: 0, fault: `${kind.name} of ${length} bytes: ${fault}` };
    at = next;
  }
  return { end: at, wanted: HEADER_BYTES };
}
