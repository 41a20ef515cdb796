/** How a stream was closed: by a RST_STREAM frame of this side, or otherwise. */
export type Closing = 'reset-here' | 'otherwise';

/** Streams that are remembered. */
const REMEMBERED = 128;

/**
 * The streams of a connection that were closed last. A frame that arrives after this side has reset
 * its stream was perhaps sent before; any other frame on a closed stream is an error.
 */
export class ClosedStreams {
  readonly #ids: number[] = [];
  readonly #closings: Closing[] = [];
  #next = 0;

  add(id: number, closing: Closing): void {
    this.#ids[this.#next] = id;
    this.#closings[this.#next] = closing;
    this.#next = (this.#next + 1) % REMEMBERED;
  }

  /** Undefined if the stream is not among the last ones. */
  closingOf(id: number): Closing | undefined {
    return this.#closings[this.#ids.indexOf(id)];
  }
}
