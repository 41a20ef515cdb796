import { StoreError, type WriteItem } from '@holdfast/core/store';
import { beforeEach, describe, expect, it } from 'vitest';
import { callsOf, context, doneAnswerLost, never, Stage } from './support/stage.ts';
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

  it('is not called a failure when its repetition is rejected: the transaction that was stored is driven', async () => {
    const a = await stage.started('A');
    a.next('write', doneAnswerLost, rejected);
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

  it('may arrive long after its rejected repetition, and is driven then', async () => {
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

  it('takes no part in a second submission, which is acknowledged only if it is stored', async () => {
    const a = await stage.started('A');
    a.next('write', dropped, rejected);
    a.engine.submit(context, saga('s', 1)).catch(() => {});
    await stage.pass(1_000);
    await expect(a.engine.submit(context, saga('s', 1))).resolves.toMatchObject({ status: 'submitted' });
    await stage.pass(10_000);
    expect(callsOf(a)).toEqual(['01 action']);
    expect((await stage.record('s'))?.status).toBe('succeed');
  });

  it('of a transaction in progress releases its record, parked, if a repetition is rejected', async () => {
    const a = await stage.started('A');
    a.engine.submit(context, saga('s', 1)).catch(() => {});
    stage.answers.set('01 action', async () => {
      a.next('write', dropped, rejected);
      return Promise.resolve({ kind: 'SUCCESS' } as never);
    });
    await stage.pass(10_000);
    expect(await stage.record('s')).toMatchObject({ status: 'submitted', owner: null, attention: true });
    expect(a.engine.load()).toMatchObject({ session: 'A.1', inProgress: 0 });
  });

  it('again and again costs other transactions of the node neither their session nor more than a moment', async () => {
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

  it('parks a transaction in progress whose state can never be written; its neighbours go on', async () => {
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
