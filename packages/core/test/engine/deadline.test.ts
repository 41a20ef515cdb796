import { beforeEach, expect, it } from 'vitest';
import { Engine } from '../../src/engine/index.ts';
import type { CallContext } from '../../src/index.ts';
import { MemoryStore } from '../../src/memory-store/memory-store.ts';
import { CREATED_AT_MS, saga } from '../patterns/support/definitions.ts';
import { ManualClock } from '../support/manual-clock.ts';

const quiet = (): void => {};
const { steps, payloads } = saga(2);
const input = { gid: 'g', pattern: 'saga', steps, payloads } as const;
const ANYTIME: CallContext = { principal: { id: 'test', roles: [] }, namespace: 'default' };

let clock: ManualClock;
let engine: Engine;

beforeEach(async () => {
  clock = new ManualClock();
  engine = new Engine({
    store: new MemoryStore(() => CREATED_AT_MS + clock.monotonicMs()),
    clock,
    random: () => 0,
    identities: { newGid: () => 'unused', newSession: () => 'A.1' },
    caller: { destinationOf: () => 'everywhere', call: () => new Promise(quiet) },
    logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  });
  await engine.start();
  await clock.advance(1_000);
});

const within = (ms: number): CallContext => ({ ...ANYTIME, deadlineMs: clock.monotonicMs() + ms });

it('a request whose deadline has passed is not started', async () => {
  const late = within(0);
  const requests: readonly (() => Promise<unknown>)[] = [
    () => engine.submit(late, input),
    () => engine.prepare(late, { ...input, gid: 'p' }),
    () => engine.prepareWorkflow(late, { gid: 'w', pattern: 'workflow', workflowName: 'w' }),
    () => engine.abort(late, { gid: 'g', reason: '', byOperator: true }),
    () => engine.retryNow(late, 'g'),
    () => engine.forceStop(late, { gid: 'g', reason: '' }),
    () => engine.registerBranch(late, { gid: 'g', branches: [] }),
    () => engine.retryWaiting(late, { laterThanMs: 0, limit: 1 }),
    () => engine.get(late, 'g'),
    () => engine.list(late, { limit: 1 }),
    () => engine.wait(late, 'g', 1_000),
    () => engine.watch(late, { transactions: [{ gid: 'g' }] }).next(),
    () => engine.subscribe(late, { topic: 't', url: 'http://a/', remark: '' }),
    () => engine.unsubscribe(late, { topic: 't', url: 'http://a/' }),
    () => engine.deleteTopic(late, 't'),
    () => engine.scanKeyValues(late, { category: 'topics', limit: 1 }),
    () => engine.queryKeyValue(late, { category: 'topics', key: 't' }),
  ];
  for (const request of requests)
    await expect(request()).rejects.toMatchObject({ code: 'deadline_exceeded', outcome: 'not_started' });
  expect((await engine.list(ANYTIME, { limit: 10 })).items).toEqual([]);
  expect((await engine.scanKeyValues(ANYTIME, { category: 'topics', limit: 10 })).items).toEqual([]);
});

it('a request in time is carried out, and a write in flight at its deadline is reported as it ends', async () => {
  const submitted = engine.submit(within(1), input);
  await clock.advance(100);
  await expect(submitted).resolves.toMatchObject({ status: 'submitted' });
});

it('a wait ends at the deadline with the transaction as it is then', async () => {
  const submitted = engine.submit(ANYTIME, input);
  await clock.advance(100);
  await submitted;
  let isOver = false;
  const wait = engine.wait(within(500), 'g', 60_000).finally(() => (isOver = true));
  await clock.advance(400);
  expect(isOver).toBe(false);
  await clock.advance(200);
  await expect(wait).resolves.toMatchObject({ gid: 'g', status: 'submitted' });
});
