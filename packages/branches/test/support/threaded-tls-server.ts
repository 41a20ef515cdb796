import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** What the thread has counted. */
export interface Counts {
  readonly connections: number;
  readonly requests: number;
}

const COUNTERS = 2;
const [CONNECTIONS, REQUESTS] = [0, 1];

const THREAD = `
const { parentPort, workerData } = require('node:worker_threads');
const { key, cert, response, counters } = workerData;
const server = require('node:tls').createServer({ key, cert }, (socket) => {
  Atomics.add(counters, ${CONNECTIONS}, 1);
  socket.setNoDelay(true).on('error', () => {}).on('data', () => {
    Atomics.add(counters, ${REQUESTS}, 1);
    socket.write(response);
  });
});
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;

/** A TLS server in a thread: it responds while the event loop of the test is busy. */
export class ThreadedTlsServer implements AsyncDisposable {
  readonly origin: string;
  readonly #worker: Worker;
  readonly #counters: Int32Array;

  private constructor(worker: Worker, counters: Int32Array, port: number) {
    this.#worker = worker;
    this.#counters = counters;
    this.origin = `https://127.0.0.1:${port}`;
  }

  /** @param response sent for each piece that arrives */
  static async start(certificate: { key: Buffer; cert: Buffer }, response: string): Promise<ThreadedTlsServer> {
    const counters = new Int32Array(new SharedArrayBuffer(COUNTERS * Int32Array.BYTES_PER_ELEMENT));
    const worker = new Worker(THREAD, { eval: true, workerData: { ...certificate, response, counters } });
    const [port] = (await once(worker, 'message')) as [number];
    return new ThreadedTlsServer(worker, counters, port);
  }

  get counts(): Counts {
    const [connections = 0, requests = 0] = this.#counters;
    return { connections, requests };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}
