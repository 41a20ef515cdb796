import { type Field, fieldIn, type Http2Stream, type StreamReceiver } from '@holdfast/http2';
import { decodeGrpcMessage } from '@holdfast/protocol/grpc';

/** The end of a call. */
export interface UnaryResponse {
  /** The value of `grpc-status`; undefined if there was none. */
  readonly status: string | undefined;
  /** The text of `grpc-message`; empty with status 0. */
  readonly message: string;
  /** Why the call failed without a complete response: undefined if there was one. */
  readonly failure: string | undefined;
}

/** The receiver of one response, whose message is ignored. */
export class UnaryCall implements StreamReceiver {
  /** Set once the call is sent. */
  stream: Http2Stream | undefined;
  #status: string | undefined;
  #message = '';
  readonly #ended: (response: UnaryResponse) => void;

  constructor(ended: (response: UnaryResponse) => void) {
    this.#ended = ended;
  }

  headers(fields: readonly Field[]): void {
    this.#status = fieldIn(fields, 'grpc-status');
    if (this.#status !== undefined && this.#status !== '0')
      this.#message = decodeGrpcMessage(fieldIn(fields, 'grpc-message') ?? '');
  }

  data(bytes: Buffer): void {
    this.stream?.consume(bytes.length);
  }

  complete(): void {}

  drained(): void {}

  closed(code: number | undefined): void {
    const failure = code === undefined ? undefined : `the call was ended with HTTP/2 code ${code}`;
    this.#ended({ status: this.#status, message: this.#message, failure });
  }
}
