/** A flag, and the length of the message in four bytes. */
const PREFIX_BYTES = 5;
const COMPRESSED = 1;

/** Counts the messages of a response. Their contents mean nothing and are not kept. */
export class MessageCount {
  #complete = 0;
  #isCompressed = false;
  #hasUnknownFlag = false;
  #prefixBytes = 0;
  /** Of the message whose prefix is being read, or bytes of it that have not arrived. */
  #left = 0;

  add(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#prefixBytes < PREFIX_BYTES) this.#addToPrefix(bytes[at++] as number);
      else {
        const taken = Math.min(this.#left, bytes.length - at);
        this.#left -= taken;
        at += taken;
      }
      if (this.#prefixBytes === PREFIX_BYTES && this.#left === 0) {
        this.#complete++;
        this.#prefixBytes = 0;
      }
    }
  }

  /** Why the response does not have one complete message; undefined if it has. */
  faultOfOne(mayBeCompressed: boolean): string | undefined {
    if (this.#prefixBytes > 0) return 'its message is incomplete';
    if (this.#complete !== 1) return `the response has ${this.#complete} messages instead of one`;
    if (this.#hasUnknownFlag) return 'its message is malformed';
    return this.#isCompressed && !mayBeCompressed ? 'its message is compressed without grpc-encoding' : undefined;
  }

  #addToPrefix(byte: number): void {
    if (this.#prefixBytes++ > 0) {
      this.#left = this.#left * 256 + byte;
      return;
    }
    this.#isCompressed ||= byte === COMPRESSED;
    this.#hasUnknownFlag ||= byte > COMPRESSED;
  }
}
