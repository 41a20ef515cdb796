import type grpc from '@grpc/grpc-js';
import { GRPC_STATUS } from '@holdfast/protocol/grpc';
import { Participants } from '@holdfast/testing/participants';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { TestServer } from '../support/running-server.ts';
import { Watching, watchClient, type WatchedTransaction } from '../support/watch-client.ts';

/** The machine may be slow. */
const until = (condition: () => boolean): Promise<unknown> => vi.waitUntil(condition, { timeout: 20_000, interval: 5 });

let shop: Participants;
let released: Promise<void>;
let release: () => void = () => undefined;
beforeAll(async () => {
  shop = await Participants.start();
  shop.respond('/slow', (response) => void released.then(() => response.end()));
});
afterAll(() => shop[Symbol.asyncDispose]());

describe.each(['own', 'grpc-js'] as const)('a watch over the gRPC server %s', (grpcServer) => {
  let server: TestServer;
  let client: grpc.Client;
  let serial = 0;

  beforeEach(async () => {
    released = new Promise((resolve) => (release = resolve));
    server = await TestServer.start({ grpcServer, progressFlush: 1 });
    client = watchClient(server.running.grpcAddress);
  });
  afterEach(async () => {
    release();
    client.close();
    await server[Symbol.asyncDispose]();
  });

  const begin = async (gid: string, actions: readonly string[] = ['/ok', '/slow']): Promise<void> => {
    const steps = actions.map((action) => ({ action: shop.url(action), compensate: shop.url('/undo') }));
    const { status } = await server.request('POST', '/api/v1/transactions', { gid, pattern: 'saga', steps });
    expect(status).toBe(200);
  };
  const watch = (transactions: readonly WatchedTransaction[], timeoutMs?: number): Watching =>
    new Watching(client, transactions, timeoutMs === undefined ? {} : { timeoutMs });
  const watched = (): number => server.running.coordinator.load().watched;

  it('begins with the state, sends later ones, and ends OK with the final one as `get` shows it', async () => {
    const gid = `w${++serial}`;
    await begin(gid);
    const watching = watch([{ gid }]);
    await until(() => watching.received.length > 0 && watched() === 1);
    release();
    expect((await watching.ended).code).toBe(0);
    const versions = watching.received.map(({ version }) => version);
    expect(versions).toEqual([...new Set(versions)].toSorted((a, b) => a - b));
    expect(watching.statuses.at(0)).toBe(`${gid} submitted`);
    const shown = (await server.get(`/api/v1/transactions/${gid}`)).json as unknown as Record<string, unknown>;
    // Null is an absent field.
    const { owner: _owner, dueAtMs: _due, ...finished } = shown;
    expect(watching.received.at(-1)).toMatchObject(finished);
    expect(watched()).toBe(0);
  });

  it('of several transactions ends when all have finished', async () => {
    const gids = ['a', 'b', 'c'].map((name) => `${name}${++serial}`);
    for (const gid of gids) await begin(gid, ['/ok']);
    const watching = watch(gids.map((gid) => ({ gid })));
    expect((await watching.ended).code).toBe(0);
    for (const gid of gids) expect(watching.statuses.filter((one) => one === `${gid} succeed`)).toHaveLength(1);
  });

  it('is rejected when its connection watches a quarter of what all may, and others are not', async () => {
    const gids = Array.from({ length: 3 }, (_, index) => `q${index}-${++serial}`);
    await using small = await TestServer.start({ grpcServer, maxWatched: 8 });
    const first = gids.map((gid) => ({ gid }));
    for (const gid of gids) await small.request('POST', '/api/v1/transactions', { gid, pattern: 'tcc' });
    const [one, two] = [watchClient(small.running.grpcAddress), watchClient(small.running.grpcAddress)];
    const watching = new Watching(one, first.slice(0, 2));
    await until(() => watching.received.length === 2);
    const { code, details } = await new Watching(one, first.slice(2)).ended;
    expect([code, details]).toEqual([
      GRPC_STATUS.resourceExhausted,
      expect.stringContaining('one connection may watch 2'),
    ]);
    const other = new Watching(two, first.slice(2));
    await until(() => other.received.length === 1);
    one.close();
    two.close();
  });

  it('continues after a version', async () => {
    const gid = `w${++serial}`;
    await begin(gid);
    const first = watch([{ gid }]);
    await until(() => first.received.length > 0);
    first.call.cancel();
    const { version = 0 } = first.received[0] ?? {};
    const second = watch([{ gid, afterVersion: version }]);
    await until(() => watched() === 1);
    release();
    expect((await second.ended).code).toBe(0);
    for (const received of second.received) expect(received.version).toBeGreaterThan(version);
  });

  it.each<[string, WatchedTransaction[], number, string | undefined]>([
    ['a gid that does not exist', [{ gid: 'none' }], GRPC_STATUS.notFound, undefined],
    ['no transaction', [], GRPC_STATUS.invalidArgument, 'transactions'],
    ['an empty gid', [{ gid: '' }], GRPC_STATUS.invalidArgument, 'transactions[0].gid'],
    [
      'a negative version',
      [{ gid: 'g', afterVersion: -1 }],
      GRPC_STATUS.invalidArgument,
      'transactions[0].after_version',
    ],
    ['a gid twice', [{ gid: 'g' }, { gid: 'g' }], GRPC_STATUS.invalidArgument, 'transactions[1].gid'],
    [
      '10,000 gids',
      Array.from({ length: 10_000 }, (_, i) => ({ gid: `g${i}` })),
      GRPC_STATUS.invalidArgument,
      'transactions',
    ],
  ])('of %s is rejected', async (_, transactions, code, field) => {
    const ended = await watch(transactions).ended;
    expect([ended.code, ended.metadata.get('holdfast-field')[0]]).toEqual([code, field]);
    expect(watched()).toBe(0);
  });

  it('ends at its deadline, when its client cancels, and when its client disconnects, and leaves nothing', async () => {
    const gid = `w${++serial}`;
    await begin(gid);
    expect((await watch([{ gid }], 300).ended).code).toBe(GRPC_STATUS.deadlineExceeded);
    await until(() => watched() === 0);
    const cancelled = watch([{ gid }]);
    await until(() => cancelled.received.length > 0 && watched() === 1);
    cancelled.call.cancel();
    await until(() => watched() === 0);
    const other = watchClient(server.running.grpcAddress);
    const lost = new Watching(other, [{ gid }]);
    await until(() => watched() === 1 && lost.received.length > 0);
    other.close();
    lost.call.cancel();
    await until(() => watched() === 0);
    release();
  });

  it('ends UNAVAILABLE when the node shuts down', async () => {
    const gid = `w${++serial}`;
    await begin(gid);
    const watching = watch([{ gid }]);
    await until(() => watching.received.length > 0);
    const closing = server.running.close();
    const { code, details } = await watching.ended;
    expect([code, details]).toEqual([
      GRPC_STATUS.unavailable,
      'this node is shutting down; watch again on another node, after the last version that was received',
    ]);
    release();
    await closing;
  });

  it('is counted in the metrics and in the status of the node', async () => {
    const gid = `w${++serial}`;
    await begin(gid);
    const watching = watch([{ gid }]);
    await until(() => watching.received.length > 0);
    expect((await server.get('/api/metrics')).text).toContain('holdfast_watched 1\n');
    expect((await server.get('/api/v1/status')).json).toMatchObject({ load: { watched: 1 } });
    release();
    await watching.ended;
    const { text } = await server.get('/api/metrics');
    expect(text).toContain('holdfast_operations_total{operation="watch",result="ok"} 1');
    expect(text).toContain('holdfast_grpc_requests_total{method="/holdfast.v1.Holdfast/Watch",code="0"} 1');
  });
});
