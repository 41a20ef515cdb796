import { GRPC_STATUS, MESSAGE_HEAD } from '@holdfast/protocol/grpc';
import { GrpcError } from './grpc-error.ts';

const NO_BYTES = Buffer.alloc(0);
const SMALLEST_HELD = 1024;

/**
 * Splits the bytes of one call into messages, which are taken one by one. A message that arrives in
 * one piece is not copied. Others are copied into one growing buffer, however small their pieces
 * are.
 */
export class MessageReader {
  readonly #maxBytes: number;
  /** The bytes that were not taken: from `#start` to `#end`. */
  #bytes: Buffer = NO_BYTES;
  #start = 0;
  #end = 0;
  /** Whether `#bytes` belongs to the reader, so that others can be appended behind the end. */
  #isOwn = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Number of bytes that were added but not taken. */
  get heldBytes(): number {
    return this.#end - this.#start;
  }

  /** Adds bytes, which must not change afterwards. */
  add(piece: Buffer): void {
    if (this.heldBytes > 0) return this.#append(piece);
    this.#bytes = piece;
    this.#start = 0;
    this.#end = piece.length;
    this.#isOwn = false;
  }

  /**
   * Takes the next message; undefined while it is incomplete. It may share memory with the pieces.
   * Throws `GrpcError` as soon as a message is announced that is too long or compressed.
   */
  next(): Buffer | undefined {
    const end = this.#endOfMessage();
    if (end === undefined || end > this.#end) return undefined;
    const message = this.#bytes.subarray(this.#start + MESSAGE_HEAD, end);
    this.#start = end;
    if (end === this.#end) this.#bytes = NO_BYTES;
    return message;
  }

  /** Copies what was not taken, so that it does not keep the memory of its piece. */
  keep(): void {
    if (this.heldBytes > 0 && !this.#isOwn) this.#append(NO_BYTES);
  }

  /** Where the next message ends; undefined while its head is incomplete. */
  #endOfMessage(): number | undefined {
    if (this.heldBytes < MESSAGE_HEAD) return undefined;
    const length = this.#bytes.readUInt32BE(this.#start + 1);
    if (this.#bytes[this.#start] !== 0)
      throw new GrpcError(GRPC_STATUS.unimplemented, 'compressed messages are not supported; send them as identity');
    if (length > this.#maxBytes)
      throw new GrpcError(
        GRPC_STATUS.resourceExhausted,
        `the message must have at most ${this.#maxBytes} bytes, not ${length}`,
        { 'holdfast-code': 'too_large' },
      );
    return this.#start + MESSAGE_HEAD + length;
  }

  /** A full buffer is doubled, so each byte is copied a few times at most. */
  #append(piece: Buffer): void {
    const held = this.heldBytes;
    const room = this.#isOwn ? this.#bytes.length - this.#end : -1;
    if (piece.length > room) {
      // Messages that were taken keep the old buffer.
      const larger = Buffer.allocUnsafe(Math.max(SMALLEST_HELD, held + piece.length, 2 * held));
      this.#bytes.copy(larger, 0, this.#start, this.#end);
      this.#bytes = larger;
      this.#start = 0;
      this.#end = held;
      this.#isOwn = true;
    }
    this.#end += piece.copy(this.#bytes, this.#end);
  }
}
