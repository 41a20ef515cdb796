import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { Participants } from '@holdfast/testing/participants';
import type { TestResponse } from '@holdfast/testing/test-server';
import { useDatabase } from './support/database.ts';
import { Coordinator, SILENCE_MS, until } from './support/process.ts';

/**
 * Within this time a node applies a command sent to another node: one poll, and a margin for a busy
 * machine.
 */
const HEARD_MS = 2_500;

describeWith(['postgres'], 'two coordinators over one database', () => {
  const database = useDatabase();
  let shop: Participants;
  let store: string;
  let a: Coordinator;
  let b: Coordinator;

  beforeAll(async () => {
    shop = await Participants.start();
    store = database.newStore();
    // Both at once: an empty database must not be in the way of either.
    [a, b] = await Promise.all([start('a'), start('b')]);
  });
  afterAll(async () => {
    await Promise.all([a, b].map((node) => node[Symbol.asyncDispose]()));
    await shop[Symbol.asyncDispose]();
  });

  const start = (node: string): Promise<Coordinator> =>
    Coordinator.start(store, '--node', node, '--drain-timeout', '300ms', '--request-timeout', '60s');

  const sagaOf = (gid: string, ...paths: string[]) => ({
    gid,
    trans_type: 'saga',
    steps: paths.map((path) => ({ action: shop.url(`${path}/do`), compensate: shop.url(`${path}/undo`) })),
    payloads: paths.map(() => ''),
  });

  /** Calls of a path; the test responds to those that hang. */
  const callsOf = (path: string): number => shop.calls.filter((call) => call.endsWith(` ${path}`)).length;
  const statusOf = async (node: Coordinator, gid: string): Promise<string> =>
    (await node.get(`/api/v1/transactions/${gid}`)).json.status;

  /**
   * A saga whose first branch hangs at the node; the second must not be called before the first has
   * responded.
   */
  async function hanging(node: Coordinator, gid: string): Promise<(code: number) => void> {
    const held: ServerResponse[] = [];
    shop.respond(`/${gid}-1/do`, (response) => void held.push(response));
    expect((await node.dtm('submit', sagaOf(gid, `/${gid}-1`, `/${gid}-2`))).json).toEqual({ dtm_result: 'SUCCESS' });
    await until(() => held.length > 0);
    return (code) => held.forEach((response) => response.writeHead(code).end());
  }

  it('a force-stop reaches a transaction of another node: no branch is called after the call in flight', async () => {
    const response = await hanging(a, 'stopped');
    expect((await b.post('/api/v1/transactions/stopped/stop')).json.status).toBe('failed');
    await a.logged('run dropped: another node changed the transaction');
    await until(async () => (await loadOf(a)).inProgress === 0);
    response(200);
    // What comes later at the same node is through.
    const later = await a.dtm('submit', { ...sagaOf('later', '/quick', '/quick'), wait_result: true });
    expect(later.json).toEqual({ dtm_result: 'SUCCESS' });
    expect([callsOf('/stopped-1/do'), callsOf('/stopped-2/do'), callsOf('/stopped-1/undo')]).toEqual([1, 0, 0]);
    expect(await statusOf(a, 'stopped')).toBe('failed');
  });

  it('an abort reaches it, too: only the started branch is compensated, once its call has ended', async () => {
    const response = await hanging(a, 'aborted');
    const commandedAtMs = performance.now();
    await b.post('/api/v1/transactions/aborted/abort', { reason: 'a mistake' });
    await until(async () => (await statusOf(b, 'aborted')) === 'aborting');
    expect(performance.now() - commandedAtMs).toBeLessThan(HEARD_MS);
    response(200);
    await until(async () => (await statusOf(b, 'aborted')) === 'failed');
    expect([callsOf('/aborted-1/undo'), callsOf('/aborted-2/do'), callsOf('/aborted-2/undo')]).toEqual([1, 0, 0]);
  });

  const loadOf = async (node: Coordinator) =>
    JSON.parse((await node.get('/api/v1/status')).text).load as { readonly inProgress: number };

  it('while the database is away no write is acknowledged, and afterwards both nodes finish everything without help', async () => {
    const acknowledged: string[] = [];
    const refused: TestResponse[] = [];
    const requested: Promise<void>[] = [];
    const request = async (node: Coordinator, gid: string): Promise<void> => {
      const response = await node.dtm('submit', sagaOf(gid, '/quick', '/quick'));
      if (response.status === 200) acknowledged.push(gid);
      else refused.push(response);
    };
    const load = setInterval(() => {
      for (const node of [a, b]) requested.push(request(node, `outage-${requested.length}`));
    }, 20);
    await until(() => acknowledged.length > 50);
    await database.server().kill();
    const notReady = await until(async () => {
      const ready = await a.get('/readyz');
      return ready.status === 503 && ready.json.message.includes('PostgreSQL at 127.0.0.1') && ready;
    });
    expect(notReady.headers.get('retry-after')).toBe('1');
    expect((await a.get('/healthz')).status).toBe(200);
    // Longer than their sessions live without it.
    await a.logged('session lost');
    await b.logged('session lost');
    const before = acknowledged.length;
    await database.server().start();
    const backAtMs = performance.now();
    await until(async () =>
      (await Promise.all([a.get('/readyz'), b.get('/readyz')])).every(({ status }) => status === 200),
    );
    expect(performance.now() - backAtMs).toBeLessThan(5_000);
    await until(() => acknowledged.length > before + 50);
    clearInterval(load);
    await Promise.all(requested);
    expect(refused.length).toBeGreaterThan(0);
    for (const { status, json, headers } of refused) {
      expect([status, json.code, json.dtm_result]).toEqual([503, 'unavailable', undefined]);
      expect(json.message).toContain('retry');
      expect(headers.get('retry-after')).toBe('1');
    }
    await until(async () => {
      const { text } = await b.get('/api/metrics');
      return text.includes('holdfast_stored_transactions{status="submitted"} 0\n');
    });
    for (const gid of acknowledged) expect(await statusOf(b, gid)).toBe('succeed');
  });

  it('a killed node is taken over by the other within the silence limit and two seconds', async () => {
    await hanging(a, 'orphan');
    shop.respond('/orphan-1/do', (response) => response.end());
    const killedAtMs = performance.now();
    a.child.kill('SIGKILL');
    await until(() => callsOf('/orphan-1/do') === 2);
    expect(performance.now() - killedAtMs).toBeLessThan(SILENCE_MS + 2_000);
    await until(async () => (await statusOf(b, 'orphan')) === 'succeed');
    await b.logged('took over unfinished transactions');
  });

  it('a node that stops hands its work over at once', async () => {
    a = await start('a');
    await hanging(b, 'handed-over');
    shop.respond('/handed-over-1/do', (response) => response.end());
    b.child.kill('SIGTERM');
    expect(await b.ended).toBe(0);
    const endedAtMs = performance.now();
    await until(() => callsOf('/handed-over-1/do') === 2);
    expect(performance.now() - endedAtMs).toBeLessThan(SILENCE_MS / 2);
    await until(async () => (await statusOf(a, 'handed-over')) === 'succeed');
    expect(b.log.find(({ msg }) => msg.includes('unfinished transactions continue'))).toMatchObject({
      transactions: 1,
    });
  });
});
