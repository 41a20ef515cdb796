import { type BranchResult, SUCCESS } from '@holdfast/protocol';
import { describe, expect, it } from 'vitest';
import { type Actor, callsOf, context, Stage } from './support/stage.ts';

/** The time within which a node reads a command that was sent to another node. */
const HEARD_MS = 1_000;
const MINUTE_MS = 60_000;

const step = { action: 'http://shop/take', compensate: 'http://shop/give-back' };

/** Two nodes; the first drives a saga, of which the first branch is being called. */
async function slowSaga(count = 3, concurrent = false) {
  const stage = new Stage();
  let respond: (result: BranchResult) => void = () => undefined;
  stage.results.set('01 action', () => new Promise((resolve) => (respond = resolve)));
  const [a, b] = [await stage.started('A'), await stage.started('B')];
  const steps = Array.from({ length: count }, () => step);
  const payloads = steps.map(() => new Uint8Array(0));
  const options = { requestTimeoutMs: 10 * MINUTE_MS, concurrent };
  await a.engine.submit(context, { gid: 'g', pattern: 'saga', steps, payloads, options });
  await stage.pass(MINUTE_MS / 6);
  return { stage, a, b, respond: (result: BranchResult) => respond(result) };
}

const statusAt = async ({ engine }: Actor): Promise<string | undefined> => (await engine.get(context, 'g'))?.status;
const ownerOf = async (stage: Stage): Promise<string | null | undefined> => (await stage.record('g'))?.owner;

describe('a command sent to a node that does not drive the transaction', () => {
  it('fails a transaction at once if it is a stop: the owner drops the run, and the call in flight is the last', async () => {
    const { stage, a, b, respond } = await slowSaga();
    expect(await ownerOf(stage)).toBe('A.1');
    const stopped = b.engine.forceStop(context, { gid: 'g', reason: 'INC-42' });
    await stage.pass(HEARD_MS);
    await stopped;
    expect([await statusAt(b), a.engine.load().inProgress]).toEqual(['failed', 0]);
    respond(SUCCESS);
    await stage.pass(MINUTE_MS);
    expect([callsOf(a), callsOf(b)]).toEqual([['01 action'], []]);
    expect(await statusAt(a)).toBe('failed');
  });

  it('starts no further step if it is an abort, and the owner, which knows the completed steps, compensates them (WA2)', async () => {
    const { stage, a, b, respond } = await slowSaga();
    const aborted = b.engine.abort(context, { gid: 'g', reason: 'a mistake', byOperator: true });
    await stage.pass(HEARD_MS);
    await aborted;
    expect([await statusAt(b), await ownerOf(stage)]).toEqual(['aborting', 'A.1']);
    respond(SUCCESS);
    await stage.pass(MINUTE_MS);
    expect(callsOf(a)).toEqual(['01 action', '01 compensate']);
    expect([callsOf(b), await statusAt(b)]).toEqual([[], 'failed']);
  });

  it('starts the next attempt at the owner at once if it is a retry', async () => {
    const stage = new Stage();
    stage.results.set('01 action', () => new Promise(() => {}));
    let broken = true;
    stage.results.set('02 action', () =>
      Promise.resolve(broken ? { kind: 'UNKNOWN', reason: 'the disk is full' } : SUCCESS),
    );
    const options = { retryIntervalMs: 30 * MINUTE_MS, maxRetryIntervalMs: 30 * MINUTE_MS };
    const [a, b] = [await stage.started('A', options), await stage.started('B', options)];
    await a.engine.submit(context, {
      gid: 'g',
      pattern: 'saga',
      steps: [step, step],
      payloads: [new Uint8Array(0), new Uint8Array(0)],
      options: { requestTimeoutMs: 10 * MINUTE_MS, concurrent: true },
    });
    await stage.pass(MINUTE_MS);
    expect(callsOf(a)).toEqual(['01 action', '02 action']);
    for (const calls of [1, 2]) {
      const retrying = b.engine.retryNow(context, 'g');
      await stage.pass(HEARD_MS);
      await retrying;
      expect(callsOf(a).filter((call) => call === '02 action')).toHaveLength(1 + calls);
      // The node writes the result, so that the next command is a new one.
      await stage.pass(2 * HEARD_MS);
    }
    broken = false;
    const last = b.engine.retryNow(context, 'g');
    await stage.pass(HEARD_MS);
    await last;
    const { branches = [] } = (await b.engine.get(context, 'g')) ?? {};
    await stage.pass(2 * HEARD_MS);
    expect(branches.map(({ op }) => op)).toContain('action');
    expect(callsOf(a).filter((call) => call === '02 action')).toHaveLength(4);
    expect(callsOf(b)).toEqual([]);
  });

  it('starts the next attempt at once if it is an abort of a transaction that is being rolled back', async () => {
    const { stage, a, b, respond } = await slowSaga(2, true);
    let tries = 0;
    stage.results.set('02 compensate', () => {
      tries++;
      return Promise.resolve({ kind: 'UNKNOWN', reason: 'not now' });
    });
    const first = a.engine.abort(context, { gid: 'g', reason: 'a mistake', byOperator: true });
    await stage.pass(HEARD_MS / 2);
    await first;
    expect([tries, await ownerOf(stage)]).toEqual([1, 'A.1']);
    const again = b.engine.abort(context, { gid: 'g', reason: 'a mistake', byOperator: true });
    await stage.pass(HEARD_MS / 2 + 50);
    await again;
    expect(tries).toBe(2);
    respond(SUCCESS);
  });
});

describe('polling for commands', () => {
  it('skips records that the node writes frequently, and does not happen while the node drives nothing (WA1)', async () => {
    const stage = new Stage();
    const a = await stage.started('A');
    let polls = 0;
    a.always('versions', (carryOut) => {
      polls++;
      return carryOut();
    });
    for (let i = 0; i < 20; i++) {
      const done = a.engine.submit(context, {
        gid: `g${i}`,
        pattern: 'saga',
        steps: [step],
        payloads: [new Uint8Array(0)],
        options: { waitResult: true },
      });
      await stage.pass(100);
      await done;
    }
    await stage.pass(MINUTE_MS);
    expect([callsOf(a).length, polls]).toEqual([20, 0]);
  });

  it('is repeated when the store was unavailable', async () => {
    const { stage, a, b } = await slowSaga();
    a.always('versions', () => Promise.reject(new Error('down')));
    const stopped = b.engine.forceStop(context, { gid: 'g', reason: 'INC-42' });
    await stage.pass(5 * HEARD_MS);
    await stopped;
    expect(a.engine.load().inProgress).toBe(1);
    a.always('versions', undefined);
    await stage.pass(HEARD_MS);
    expect(a.engine.load().inProgress).toBe(0);
  });
});

describe('a node that shuts down', () => {
  it('releases the transactions that it cannot finish, and another node continues them at its next poll', async () => {
    const { stage, a, b } = await slowSaga();
    stage.results.set('01 action', () => Promise.resolve(SUCCESS));
    a.engine.retire();
    await expect(a.engine.ready()).rejects.toThrow('shutting down');
    const drained = a.engine.drain(100);
    await stage.pass(200);
    expect(await drained).toBe(1);
    expect((await stage.record('g'))?.owner).not.toBe('A.1');
    await stage.pass(HEARD_MS);
    expect([callsOf(b), await statusAt(b)]).toEqual([['01 action', '02 action', '03 action'], 'succeed']);
  });
});

describe('a transaction whose owner crashed', () => {
  it('resets its claims when the next owner receives the first branch response (TR3)', async () => {
    const { stage, a, b } = await slowSaga();
    stage.results.set('01 action', () => Promise.resolve(SUCCESS));
    stage.results.set('02 action', () => new Promise(() => {}));
    a.kill();
    await stage.pass(20_000);
    expect(callsOf(b)).toEqual(['01 action', '02 action']);
    const record = await stage.record('g');
    expect([record?.owner, record?.claims]).toEqual(['B.1', 1]);
  });

  it('resets its claims when the next owner has driven it for the longest time that progress may stay unwritten', async () => {
    const { stage, a } = await slowSaga();
    a.kill();
    while ((await stage.record('g'))?.owner !== 'B.1') await stage.pass(100);
    expect((await stage.record('g'))?.claims).toBe(2);
    await stage.pass(1_200);
    expect((await stage.record('g'))?.claims).toBe(1);
  });
});
