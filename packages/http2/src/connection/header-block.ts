import { HTTP2_CODE } from '../constants.ts';
import type { Field } from '../hpack/field.ts';
import { HeaderDecoder, type HeaderLimits } from '../hpack/header-decoder.ts';
import { Http2Error } from '../http2-error.ts';

export interface BlockLimits extends HeaderLimits {
  /** Bytes of a block in HEADERS and its CONTINUATION frames. */
  readonly maxBlockBytes: number;
  readonly maxContinuations: number;
}

/** The HEADERS frame whose block is not complete. */
interface OpenBlock {
  readonly stream: number;
  readonly isLast: boolean;
  readonly isFaulty: boolean;
  readonly pieces: Buffer[];
  bytes: number;
}

/** A complete HEADERS frame with its CONTINUATION frames. */
export interface Headers {
  readonly stream: number;
  /** Whether the stream ends with it. */
  readonly isLast: boolean;
  /** Whether its priority refers to its own stream. */
  readonly isFaulty: boolean;
  /** Undefined: the fields exceed a limit. */
  readonly fields: readonly Field[] | undefined;
}

/** Assembles and decodes header blocks. Between the frames of a block no other frame may come. */
export class HeaderBlocks {
  readonly #limits: BlockLimits;
  readonly #decoder: HeaderDecoder;
  #open: OpenBlock | undefined;

  constructor(limits: BlockLimits) {
    this.#limits = limits;
    this.#decoder = new HeaderDecoder(limits);
  }

  /** The stream of the block that is not complete. */
  get openStream(): number | undefined {
    return this.#open?.stream;
  }

  /** Takes HEADERS without padding and priority. Returns undefined if CONTINUATION must follow. */
  begin(
    stream: number,
    isLast: boolean,
    isFaulty: boolean,
    isComplete: boolean,
    bytes: Buffer,
    start: number,
    end: number,
  ): Headers | undefined {
    if (isComplete) return { stream, isLast, isFaulty, fields: this.#decoder.decode(bytes, start, end) };
    this.#open = { stream, isLast, isFaulty, pieces: [], bytes: 0 };
    this.#add(this.#open, bytes, start, end);
    return undefined;
  }

  /** Takes CONTINUATION. */
  continue(isComplete: boolean, bytes: Buffer, start: number, end: number): Headers | undefined {
    const open = this.#open;
    if (open === undefined) throw new Http2Error(HTTP2_CODE.protocolError, 'CONTINUATION without HEADERS');
    this.#add(open, bytes, start, end);
    if (!isComplete) return undefined;
    this.#open = undefined;
    const { stream, isLast, isFaulty } = open;
    return { stream, isLast, isFaulty, fields: this.#decoder.decode(Buffer.concat(open.pieces), 0, open.bytes) };
  }

  #add(open: OpenBlock, bytes: Buffer, start: number, end: number): void {
    // Copied, since the piece would keep all that arrived with it.
    if (end > start) open.pieces.push(Buffer.from(bytes.subarray(start, end)));
    else open.pieces.push(NO_BYTES);
    open.bytes += end - start;
    if (open.bytes > this.#limits.maxBlockBytes || open.pieces.length > this.#limits.maxContinuations + 1)
      throw new Http2Error(HTTP2_CODE.enhanceYourCalm, 'the header block is too long');
  }
}

const NO_BYTES = Buffer.alloc(0);
