import { GRPC_STATUS } from '@holdfast/protocol/grpc';
import { GrpcError } from './grpc-error.ts';

/** Before each message: whether it is compressed (1 byte), and its length (4 bytes, big endian). */
export const FRAME_HEAD = 5;
const NO_BYTES = Buffer.alloc(0);

/**
 * Splits the bytes of one call into messages. Throws `GrpcError` as soon as a message is announced
 * that is too long or compressed.
 */
export class MessageReader {
  readonly #maxBytes: number;
  #pieces: Buffer[] = [];
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
    this.#pieces.push(piece);
    this.#length += piece.length;
    const messages: Buffer[] = [];
    for (let end = this.#end(); end !== undefined && this.#length >= end; end = this.#end()) {
      const all = this.#joined();
      messages.push(all.subarray(FRAME_HEAD, end));
      this.#pieces = all.length === end ? [] : [all.subarray(end)];
      this.#length = all.length - end;
    }
    return messages;
  }

  /** The end of the next message in the held bytes; undefined while its head is incomplete. */
  #end(): number | undefined {
    if (this.#length < FRAME_HEAD) return undefined;
    const first = this.#pieces[0] ?? NO_BYTES;
    const head = first.length >= FRAME_HEAD ? first : this.#joined();
    const length = head.readUInt32BE(1);
    if (head[0] !== 0)
      throw new GrpcError(GRPC_STATUS.unimplemented, 'compressed messages are not supported; send them as identity');
    if (length > this.#maxBytes)
      throw new GrpcError(
        GRPC_STATUS.resourceExhausted,
        `the message must have at most ${this.#maxBytes} bytes, not ${length}`,
        { 'holdfast-code': 'too_large' },
      );
    return FRAME_HEAD + length;
  }

  #joined(): Buffer {
    const all = this.#pieces.length === 1 ? (this.#pieces[0] as Buffer) : Buffer.concat(this.#pieces);
    this.#pieces = [all];
    return all;
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
