/** Bytes of a stream that wait until the windows have room for them, and how the stream ends. */
export class SendQueue {
  /** How the stream ends after the bytes: with the last of them, or with trailers. */
  end: 'not-yet' | 'with-data' | Buffer = 'not-yet';
  /** When something was sent last. */
  progressMs: number;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(nowMs: number) {
    this.progressMs = nowMs;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /** Takes up to `max` bytes. There must be some. */
  take(max: number): Buffer {
    const chunk = this.#chunks[0] as Buffer;
    const taken = chunk.length <= max ? chunk : chunk.subarray(0, max);
    if (taken === chunk) this.#chunks.shift();
    else this.#chunks[0] = chunk.subarray(max);
    this.#bytes -= taken.length;
    return taken;
  }
}
