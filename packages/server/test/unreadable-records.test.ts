import { MemoryStore } from '@holdfast/core/memory-store';
import { CheckedStore, type StoredTransaction } from '@holdfast/core/store';
import { JSON_RPC_CODES } from '@holdfast/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from './support/running-server.ts';

const KEY = { namespace: 'default', gid: 'broken' };

/** Changes the first byte of a state, which is the number of its format. */
async function damage(store: MemoryStore, format: number): Promise<void> {
  const [record] = await store.get([KEY]);
  const { status, owner, attention, version, state } = record as StoredTransaction;
  const bytes = Uint8Array.from(state);
  bytes[0] = format;
  const item = { kind: 'update', key: KEY, writeId: `${format}`, status, owner, dueInMs: null, attention } as const;
  const [outcome] = await store.write([{ ...item, state: bytes, expectVersion: version }]);
  expect(outcome?.kind).toBe('applied');
}

const COMMANDS: readonly (readonly [route: string, send: (server: TestServer) => ReturnType<TestServer['post']>])[] = [
  ['v1 stop', (server) => server.post('/api/v1/transactions/broken/stop', { reason: 'r' })],
  ['v1 retry', (server) => server.post('/api/v1/transactions/broken/retry')],
  ['v1 abort', (server) => server.post('/api/v1/transactions/broken/abort', { reason: 'r' })],
  ['dtm abort', (server) => server.dtm('abort', { gid: 'broken', trans_type: 'tcc' })],
  ['dtm forceStop', (server) => server.dtm('forceStop', { gid: 'broken' })],
  ['dtm resetNextCronTime', (server) => server.dtm('resetNextCronTime', { gid: 'broken' })],
];

describe.each([
  [
    'a later version wrote',
    2,
    /^the record of broken cannot be read: state: format 2 is unknown.*of the version that wrote it/,
  ],
  ['is damaged', 99, /^the record of broken cannot be read: state: format 99 does not exist\. .*or force-stop it/],
])('a record that %s', (_, format, reason) => {
  const store = new MemoryStore(Date.now);
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start({}, { store: new CheckedStore(store) });
    await server.post('/api/v1/transactions', { gid: 'broken', pattern: 'tcc' });
    await damage(store, format);
  });
  afterAll(() => server[Symbol.asyncDispose]());
  const isLater = format === 2;

  it.each(COMMANDS.filter(([route]) => isLater || !route.toLowerCase().includes('stop')))(
    'rejects the command of %s with 409 and what to do',
    async (_route, send) => {
      const { status, json, text } = await send(server);
      expect([status, text]).toEqual([409, text]);
      const problem = json as unknown as { readonly detail?: string; readonly message?: string };
      expect(problem.detail ?? problem.message).toMatch(reason);
    },
  );

  it('rejects the abort of JSON-RPC as a failure', async () => {
    const { json } = await server.rpc('abort', { gid: 'broken', trans_type: 'tcc' });
    expect(json.error.code).toBe(JSON_RPC_CODES.failure);
    expect(json.error.message).toMatch(reason);
  });

  it('is shown by every route that reads, with why it cannot be read', async () => {
    for (const path of [
      '/api/v1/transactions/broken',
      '/api/v1/transactions',
      '/api/dtmsvr/query?gid=broken',
      '/api/dtmsvr/all',
    ]) {
      const { status, text } = await server.get(path);
      expect([path, status]).toEqual([path, 200]);
      expect(text).toContain('broken');
    }
    expect((await server.get('/api/v1/transactions/broken')).text).toContain(
      'its record cannot be read: state: format',
    );
  });

  // A later record is rejected above.
  if (!isLater)
    it('can be force-stopped once, and keeps its text', async () => {
      const before = await store.get([KEY]);
      const { status, json } = await server.post('/api/v1/transactions/broken/stop', { reason: 'by hand' });
      expect([status, json.status]).toEqual([200, 'failed']);
      const shown = await server.get('/api/v1/transactions/broken');
      expect(shown.json).toMatchObject({
        status: 'failed',
        attention: false,
        stopped: expect.stringMatching(/^by hand \(its record could not be decoded: state: format 99/),
        damaged: expect.stringContaining('format 99'),
        branches: [],
        remainingEffects: [],
      });
      const [after] = await store.get([KEY]);
      const text = (record: StoredTransaction | undefined) => Buffer.from(record?.state ?? []).toString('latin1');
      expect(text(after)).toContain(text(before[0]));
      expect((await server.post('/api/v1/transactions/broken/stop', { reason: 'again' })).status).toBe(409);
      expect((await server.get('/api/v1/transactions?attention=true')).json.items).toEqual([]);
    });
});
