import { SUCCESS } from '@holdfast/protocol';
import { expect, it } from 'vitest';
import type { BranchRequest, CallContext } from '../../src/index.ts';
import { Engine } from '../../src/engine/index.ts';
import { MemoryStore } from '../../src/memory-store/memory-store.ts';
import { CREATED_AT_MS, saga } from '../patterns/support/definitions.ts';
import { ManualClock } from '../support/manual-clock.ts';

const quiet = (): void => {};
const as = (id: string, trace?: CallContext['trace']): CallContext => ({
  principal: { id, roles: [] },
  namespace: 'default',
  trace,
});
const ANONYMOUS = as('anonymous');
const TRACE = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', tracestate: 'a=1' };

/** Nodes over one store. A call of a branch never returns unless `respond` is set. */
class Cluster {
  readonly clock = new ManualClock();
  readonly store = new MemoryStore(() => CREATED_AT_MS + this.clock.monotonicMs());
  readonly calls: BranchRequest[] = [];
  respond = false;

  async node(name: string): Promise<Engine> {
    const engine = new Engine(
      {
        store: this.store,
        clock: this.clock,
        random: () => 0,
        identities: { newGid: () => 'unused', newSession: () => name },
        caller: {
          destinationOf: () => 'everywhere',
          call: (request) => {
            this.calls.push(request);
            return this.respond ? Promise.resolve(SUCCESS) : new Promise(quiet);
          },
        },
        logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
      },
      { retentionMs: 0 },
    );
    await engine.start();
    return engine;
  }
}

const input = (gid: string, headers: Readonly<Record<string, string>> = {}) => {
  const { steps, payloads } = saga(2);
  return { gid, pattern: 'saga', steps, payloads, options: { branchHeaders: headers } } as const;
};

/** Runs the engine until the promise settles. */
async function done<T>(cluster: Cluster, work: Promise<T>): Promise<T> {
  const state = { isOver: false };
  const over = work.finally(() => (state.isOver = true));
  over.catch(quiet);
  for (let i = 0; i < 100 && !state.isOver; i++) await cluster.clock.advance(100);
  return over;
}

const linesOf = async (engine: Engine, gid: string): Promise<unknown[]> =>
  ((await engine.get(ANONYMOUS, gid))?.state.timeline ?? [])
    .filter(({ kind }) => kind !== 'call')
    .map((line) => ({ ...line, atMs: 0 }));

it('a transaction remembers who created it and in which trace', async () => {
  const cluster = new Cluster();
  const engine = await cluster.node('A');
  await done(cluster, engine.submit(as('alice', TRACE), input('g')));
  expect((await engine.get(ANONYMOUS, 'g'))?.definition).toMatchObject({ createdBy: 'alice', trace: TRACE });
  // A repetition by another caller in another trace is the same transaction.
  await done(cluster, engine.submit(as('bob'), input('g')));
  expect((await engine.get(ANONYMOUS, 'g'))?.definition).toMatchObject({ createdBy: 'alice', trace: TRACE });
});

it('a transaction of an anonymous caller outside of a trace stores not one byte more', async () => {
  const cluster = new Cluster();
  const engine = await cluster.node('A');
  await done(cluster, engine.submit(ANONYMOUS, input('g')));
  const [record] = await cluster.store.get([{ namespace: 'default', gid: 'g' }]);
  const text = Buffer.from(record?.definition ?? []).toString() + Buffer.from(record?.state ?? []).toString();
  expect(text).not.toMatch(/anonymous|createdBy|trace|by/);
});

it('operator commands are recorded with their operator', async () => {
  const cluster = new Cluster();
  const engine = await cluster.node('A');
  await done(cluster, engine.submit(ANONYMOUS, input('g')));
  await done(cluster, engine.retryNow(as('bob'), 'g'));
  await done(cluster, engine.abort(as('alice'), { gid: 'g', reason: 'no stock', byOperator: true }));
  await done(cluster, engine.forceStop(as('carol'), { gid: 'g', reason: 'INC-42' }));
  expect(await linesOf(engine, 'g')).toEqual([
    { kind: 'status', atMs: 0, status: 'submitted', reason: '' },
    { kind: 'order', atMs: 0, detail: 'retry now', by: 'bob' },
    { kind: 'status', atMs: 0, status: 'aborting', reason: 'no stock', by: 'alice' },
    { kind: 'order', atMs: 0, detail: 'force-stop', by: 'carol' },
    { kind: 'status', atMs: 0, status: 'failed', reason: 'INC-42', by: 'carol' },
  ]);
});

it('commands that another node carries out keep their operator (E5)', async () => {
  const cluster = new Cluster();
  const [a, b] = [await cluster.node('A'), await cluster.node('B')];
  for (const gid of ['aborted', 'retried']) await done(cluster, a.submit(ANONYMOUS, input(gid)));
  await done(cluster, b.abort(as('alice'), { gid: 'aborted', reason: 'no stock', byOperator: true }));
  await done(cluster, b.retryNow(as('bob'), 'retried'));
  await cluster.clock.advance(2_000);
  await done(cluster, a.retryNow(as('carol'), 'retried'));
  await cluster.clock.advance(2_000);
  expect(await linesOf(b, 'aborted')).toContainEqual({
    kind: 'status',
    atMs: 0,
    status: 'aborting',
    reason: 'no stock',
    by: 'alice',
  });
  expect(await linesOf(b, 'retried')).toContainEqual({ kind: 'order', atMs: 0, detail: 'retry now', by: 'bob' });
});

it('a command that outlives the node that was to carry it out keeps its operator', async () => {
  const cluster = new Cluster();
  const a = await cluster.node('A');
  await done(cluster, a.submit(ANONYMOUS, input('g')));
  const b = await cluster.node('B');
  const abort = b.abort(as('alice'), { gid: 'g', reason: 'no stock', byOperator: true });
  const drained = a.drain(0);
  await done(cluster, Promise.all([abort, drained]));
  await cluster.clock.advance(20_000);
  expect(await linesOf(b, 'g')).toContainEqual({
    kind: 'status',
    atMs: 0,
    status: 'aborting',
    reason: 'no stock',
    by: 'alice',
  });
});

it('the trace of a transaction is sent with each of its calls, unless its own headers name one', async () => {
  const cluster = new Cluster();
  cluster.respond = true;
  const engine = await cluster.node('A');
  const own = { TraceParent: '00-00000000000000000000000000000001-0000000000000001-00' };
  await done(cluster, engine.submit(as('anonymous', TRACE), input('traced', { tenant: 'a' })));
  await done(cluster, engine.submit(as('anonymous', TRACE), input('own', own)));
  await done(cluster, engine.submit(ANONYMOUS, input('untraced', { tenant: 'a' })));
  await cluster.clock.advance(2_000);
  const headersOf = (gid: string) => cluster.calls.filter((call) => call.gid === gid).map(({ headers }) => headers);
  const traced = { tenant: 'a', ...TRACE };
  expect(headersOf('traced')).toEqual([traced, traced]);
  expect(headersOf('own')).toEqual([own, own]);
  expect(headersOf('untraced')).toEqual([{ tenant: 'a' }, { tenant: 'a' }]);
});

it('a principal whose ID is changed after its first request is checked again', async () => {
  const cluster = new Cluster();
  const engine = await cluster.node('A');
  const context = as('alice');
  await done(cluster, engine.submit(context, input('first')));
  Object.assign(context.principal, { id: 'bob\nadmin' });
  await expect(done(cluster, engine.submit(context, input('second')))).rejects.toMatchObject({ field: ['principal'] });
});
