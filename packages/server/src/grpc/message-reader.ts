import { GRPC_STATUS } from '@holdfast/protocol/grpc';
import { GrpcError } from './grpc-error.ts';

/** Before each message: whether it is compressed (1 byte), and its length (4 bytes, big endian). */
export const FRAME_HEAD = 5;
const NO_BYTES = Buffer.alloc(0);
const SMALLEST_HELD = 1024;

/**
 * Splits the bytes of one call into messages. Throws `GrpcError` as soon as a message is announced
 * that is too long or compressed. Incomplete messages are copied into one growing buffer, however
 * small their pieces are.
 */
export class MessageReader {
  readonly #maxBytes: number;
  #held: Buffer = NO_BYTES;
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Number of bytes that wait for the rest of their message. */
  get heldBytes(): number {
    return this.#length;
  }

  /** Returns the messages that are complete now. They may share memory with the pieces. */
  push(piece: Buffer): readonly Buffer[] {
    let rest = piece;
    if (this.#length > 0) {
      this.#hold(piece);
      rest = this.#held.subarray(0, this.#length);
    }
    const messages: Buffer[] = [];
    for (let end = this.#endIn(rest); end !== undefined && rest.length >= end; end = this.#endIn(rest)) {
      messages.push(rest.subarray(FRAME_HEAD, end));
      rest = rest.subarray(end);
    }
    if (messages.length > 0 || this.#length === 0) {
      // The messages keep the old buffer.
      this.#held = NO_BYTES;
      this.#length = 0;
      if (rest.length > 0) this.#hold(rest);
    }
    return messages;
  }

  /** The end of the message at the beginning of `bytes`; undefined while its head is incomplete. */
  #endIn(bytes: Buffer): number | undefined {
    if (bytes.length < FRAME_HEAD) return undefined;
    const length = bytes.readUInt32BE(1);
    if (bytes[0] !== 0)
      throw new GrpcError(GRPC_STATUS.unimplemented, 'compressed messages are not supported; send them as identity');
    if (length > this.#maxBytes)
      throw new GrpcError(
        GRPC_STATUS.resourceExhausted,
        `the message must have at most ${this.#maxBytes} bytes, not ${length}`,
        { 'holdfast-code': 'too_large' },
      );
    return FRAME_HEAD + length;
  }

  /** Appends bytes. A full buffer is doubled, so each byte is copied a few times at most. */
  #hold(bytes: Buffer): void {
    const length = this.#length + bytes.length;
    if (length > this.#held.length) {
      const larger = Buffer.allocUnsafe(Math.max(SMALLEST_HELD, length, 2 * this.#held.length));
      this.#held.copy(larger, 0, 0, this.#length);
      this.#held = larger;
    }
    bytes.copy(this.#held, this.#length);
    this.#length = length;
  }
}

/** A message with its head, ready to be sent. */
export function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEAD + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, FRAME_HEAD);
  return frame;
}
