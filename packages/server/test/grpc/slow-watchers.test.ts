import { once } from 'node:events';
import http2 from 'node:http2';
import { type CallContext, type Coordinator } from '@holdfast/core';
import { ApiV1 } from '@holdfast/api';
import { GRPC_STATUS, holdfastService } from '@holdfast/protocol/grpc';
import { describe, expect, it, vi } from 'vitest';
import { GrpcServer } from '../../src/grpc/grpc-server.ts';
import type { StreamLimits } from '../../src/grpc/v1/paced-events.ts';
import { v1Streams } from '../../src/grpc/v1/v1-streams.ts';
import { SILENT } from '../../src/logs/log.ts';
import { Watching, watchClient } from '../support/watch-client.ts';

const until = (condition: () => boolean): Promise<unknown> => vi.waitUntil(condition, { timeout: 20_000, interval: 5 });

/** More than the window of a client. */
const LONG = 'x'.repeat(300_000);
const viewOf = (version: number, result: string) => ({
  ...{ namespace: 'default', gid: 'g', pattern: 'saga', status: 'submitted', branches: [], version },
  definition: { steps: [], queryPrepared: '' },
  state: { rollbackReason: '', stopped: '', damaged: '', timeline: [], timelineOmitted: 0, parked: '', result },
  ...{ attention: false, createdAtMs: 1, updatedAtMs: 1, finishedAtMs: null, dueAtMs: null, owner: null },
});

/** A server whose watches have new states whenever their callers are ready for one. */
class EndlessStates implements AsyncDisposable {
  /** Watches in progress, and states that they have sent. */
  running = 0;
  sent = 0;
  readonly #server: GrpcServer;
  readonly reported: number[] = [];
  address = '';

  constructor(limits: Partial<StreamLimits>, result = LONG) {
    const coordinator = { watch: (context: CallContext) => this.#states(context, result) };
    const api = new ApiV1({ coordinator: coordinator as unknown as Coordinator, description: {} as never });
    this.#server = new GrpcServer({
      ...{ log: SILENT, maxMessageBytes: 100_000, maxConnections: 100 },
      responded: (_path, status) => void this.reported.push(status),
    });
    this.#server.use(v1Streams(api, () => {}, limits));
  }

  async start(): Promise<this> {
    this.address = await this.#server.listen('127.0.0.1', 0);
    return this;
  }

  async *#states(context: CallContext, result: string) {
    this.running++;
    try {
      while (context.signal?.aborted !== true) {
        yield viewOf(++this.sent, result);
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      this.running--;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.close();
  }
}

/** A watch whose client does not read. */
function watchWithoutReading(session: http2.ClientHttp2Session): http2.ClientHttp2Stream {
  const { streams } = holdfastService();
  const message = streams.watch.encodeInput({ body: { transactions: [{ gid: 'g' }] } });
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  const stream = session.request({
    ...{ ':method': 'POST', ':path': '/holdfast.v1.Holdfast/Watch', 'content-type': 'application/grpc' },
  });
  stream.on('error', () => undefined);
  stream.end(Buffer.concat([head, message]));
  return stream;
}

describe('a client that does not read its watch', () => {
  it('receives few events, and the status RESOURCE_EXHAUSTED after a time, although the events do not fit', async () => {
    await using server = await new EndlessStates({ slowReaderMs: 200 }).start();
    const session = http2.connect(`http://${server.address}`);
    const stream = watchWithoutReading(session);
    const [trailers] = (await once(stream, 'trailers')) as [http2.IncomingHttpHeaders];
    expect(trailers).toMatchObject({
      'grpc-status': String(GRPC_STATUS.resourceExhausted),
      'holdfast-code': 'overloaded',
      'grpc-message':
        'the client has accepted nothing for 0.2 s; to continue, call again after the last version that was received',
    });
    await until(() => server.running === 0);
    // One that waits, since the first does not fit into the window.
    expect(server.sent).toBe(1);
    expect(server.reported).toEqual([GRPC_STATUS.resourceExhausted]);
    // The connection is as before.
    const other = watchWithoutReading(session);
    await until(() => server.running === 1);
    other.close(http2.constants.NGHTTP2_CANCEL);
    await until(() => server.running === 0);
    session.destroy();
  });

  it('delays no other client, whose states become the latest ones', async () => {
    await using server = await new EndlessStates({ slowReaderMs: 20_000 }).start();
    const session = http2.connect(`http://${server.address}`);
    watchWithoutReading(session);
    await until(() => server.running === 1);
    const client = watchClient(server.address);
    const reader = new Watching(client, [{ gid: 'g' }]);
    await until(() => reader.received.length >= 20);
    reader.call.cancel();
    session.destroy();
    client.close();
    await until(() => server.running === 0);
    const versions = reader.received.map(({ version }) => version);
    expect(versions).toEqual([...new Set(versions)].toSorted((a, b) => a - b));
  });

  it('loses its stream at once while too many bytes wait for such clients', async () => {
    await using server = await new EndlessStates({ slowReaderMs: 20_000, maxUnsentBytes: 2_000_000 }).start();
    const session = http2.connect(`http://${server.address}`);
    const streams = Array.from({ length: 20 }, () => watchWithoutReading(session));
    let lost = 0;
    for (const stream of streams) stream.on('trailers', () => lost++);
    await until(() => server.running > 0 && server.running + lost === 20 && lost >= 13);
    expect([server.running, lost]).toEqual([6, 14]);
    session.destroy();
    await until(() => server.running === 0);
  });
});

describe('a client that cancels its watches at once, ten thousand times', () => {
  it('leaves nothing, and others are served', async () => {
    await using server = await new EndlessStates({}, 'short').start();
    const client = watchClient(server.address);
    for (let i = 0; i < 100; i++) {
      const calls = Array.from({ length: 100 }, () => new Watching(client, [{ gid: 'g' }]));
      for (const { call } of calls) call.cancel();
      await Promise.all(calls.map(({ ended }) => ended));
    }
    await until(() => server.running === 0);
    const reader = new Watching(client, [{ gid: 'g' }]);
    await until(() => reader.received.length > 0);
    reader.call.cancel();
    await until(() => server.running === 0);
    client.close();
    expect(server.reported.filter((status) => status !== GRPC_STATUS.cancelled)).toEqual([]);
  });
});
