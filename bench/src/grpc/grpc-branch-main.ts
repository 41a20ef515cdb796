import { type AddressInfo, createServer } from 'node:net';
import { encodeHeaders, type Http2Stream, type StreamReceiver } from '@holdfast/http2';
import { framedMessage } from '@holdfast/protocol/grpc';
import { endWithParent, sendToParent } from '../processes/helper-side.ts';
import { Http2Socket } from './http2-socket.ts';

// The gRPC branch service: a process that responds to every call with OK and an empty message, and
// reports its port.
const HEADERS = encodeHeaders([
  [':status', '200'],
  ['content-type', 'application/grpc'],
]);
const MESSAGE = framedMessage(new Uint8Array());
const TRAILERS = encodeHeaders([['grpc-status', '0']]);

/** One call: its request is ignored. */
class Call implements StreamReceiver {
  readonly #stream: Http2Stream;

  constructor(stream: Http2Stream) {
    this.#stream = stream;
  }

  headers(): void {}

  data(bytes: Buffer): void {
    this.#stream.consume(bytes.length);
  }

  complete(): void {
    this.#stream.sendHeaders(HEADERS);
    this.#stream.sendData(MESSAGE);
    this.#stream.sendTrailers(TRAILERS);
  }

  drained(): void {}

  closed(): void {}
}

endWithParent();
const server = createServer((socket) => void new Http2Socket(socket, (stream) => new Call(stream)));
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  sendToParent({ port: (server.address() as AddressInfo).port });
});
