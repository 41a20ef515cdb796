import { StoreError, type WriteItem } from '@holdfast/core/store';
import { beforeEach, describe, expect, it } from 'vitest';
import { callsOf, context, doneResponseLost, never, Stage } from './support/stage.ts';
import { saga } from './support/transactions.ts';

const rejected = () => Promise.reject(new StoreError('rejected', 'the item cannot be stored'));
const dropped = () => Promise.reject(new StoreError('outcome_unknown', 'connection lost'));
const has = (gid: string, args: readonly unknown[]): boolean =>
  (args[0] as readonly WriteItem[]).some(({ key }) => key.gid === gid);

describe('a write whose outcome is unknown', () => {
  let stage: Stage;

  beforeEach(() => {
    stage = new Stage();
  });

  it('is not reported as a failure when its retry is rejected, and the stored transaction is driven', async () => {
    const a = await stage.started('A');
    a.next('write', doneResponseLost, rejected);
    const submitted = a.engine.submit(context, saga('s', 1));
    submitted.catch(() => {});
    await stage.pass(5_000);
    await expect(submitted).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('whether it was stored is not known') as string,
    });
    expect((await stage.record('s'))?.status).toBe('succeed');
    expect(a.engine.load().session).toBe('A.1');
  });

  it('may reach the store long after its rejected retry; the transaction is then driven', async () => {
    const a = await stage.started('A');
    let arrive = (): void => {};
    a.next(
      'write',
      (carryOut) => {
        arrive = () => void carryOut();
        return dropped();
      },
      rejected,
    );
    a.engine.submit(context, saga('s', 1)).catch(() => {});
    await stage.pass(30_000);
    expect(await stage.record('s')).toBeUndefined();
    arrive();
    await stage.pass(10_000);
    expect(await stage.record('s')).toMatchObject({ status: 'succeed', owner: null });
    expect(a.engine.load()).toMatchObject({ session: 'A.1', inProgress: 0 });
  });

  it('does not affect a second submission, which is acknowledged only if it is stored', async () => {
    const a = await stage.started('A');
    a.next('write', dropped, rejected);
    a.engine.submit(context, saga('s', 1)).catch(() => {});
    await stage.pass(1_000);
    await expect(a.engine.submit(context, saga('s', 1))).resolves.toMatchObject({ status: 'submitted' });
    await stage.pass(10_000);
    expect(callsOf(a)).toEqual(['01 action']);
    expect((await stage.record('s'))?.status).toBe('succeed');
  });

  it('parks and releases a transaction in progress if the retry is rejected', async () => {
    const a = await stage.started('A');
    a.engine.submit(context, saga('s', 1)).catch(() => {});
    stage.results.set('01 action', async () => {
      a.next('write', dropped, rejected);
      return Promise.resolve({ kind: 'SUCCESS' } as never);
    });
    await stage.pass(10_000);
    expect(await stage.record('s')).toMatchObject({ status: 'submitted', owner: null, attention: true });
    expect(a.engine.load()).toMatchObject({ session: 'A.1', inProgress: 0 });
  });

  it("may repeat without ending the node's session or delaying its other transactions for long", async () => {
    const a = await stage.started('A');
    a.always('write', (carryOut, args) => (has('poison', args) ? dropped() : carryOut()));
    const others = ['a', 'b', 'c'].map((gid) => a.engine.submit(context, saga(gid, 1)));
    const poison = a.engine.submit(context, saga('poison', 1));
    poison.catch(() => {});
    await stage.pass(1_000);
    await Promise.all([...others, a.engine.submit(context, saga('d', 1))]);
    await stage.pass(10_000);
    await expect(poison).rejects.toMatchObject({ code: 'unavailable' });
    for (const gid of ['a', 'b', 'c', 'd']) expect((await stage.record(gid))?.status).toBe('succeed');
    expect(a.engine.load().session).toBe('A.1');
  });

  it('parks a transaction in progress whose state can never be written; other transactions continue', async () => {
    const a = await stage.started('A');
    stage.respond = ({ gid }) => (gid === 'slow' ? never() : undefined);
    a.engine.submit(context, saga('slow', 1)).catch(() => {});
    a.always('write', (carryOut, args) =>
      has('poison', args) &&
      (args[0] as readonly WriteItem[]).some((item) => 'status' in item && item.status === 'succeed')
        ? dropped()
        : carryOut(),
    );
    await a.engine.submit(context, saga('poison', 1));
    await stage.pass(500);
    await a.engine.submit(context, saga('other', 1));
    await stage.pass(1_000);
    expect((await stage.record('other'))?.status).toBe('succeed');
    await stage.pass(10_000);
    expect(await stage.record('poison')).toMatchObject({ status: 'submitted', owner: null, attention: true });
    expect(a.engine.load()).toMatchObject({ session: 'A.1', inProgress: 1 });
  });
});
