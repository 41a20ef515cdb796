import { describe, expect, it } from 'vitest';
import { Lane } from '../../src/store-kit/lane.ts';

/** A call that settles when the test decides. */
function pendingCall(log: string[], name: string) {
  let end: (error?: Error) => void = () => {};
  const call = (): Promise<string> => {
    log.push(name);
    return new Promise((resolve, reject) => {
      end = (error) => (error === undefined ? resolve(name) : reject(error));
    });
  };
  return { call, end: (error?: Error) => end(error) };
}

const turns = async (): Promise<void> => {
  for (let i = 0; i < 10; i++) await Promise.resolve();
};

describe('the calls of one connection', () => {
  it('are made one at a time, in their order, also after one that failed', async () => {
    const log: string[] = [];
    const lane = new Lane();
    const [a, b] = [pendingCall(log, 'a'), pendingCall(log, 'b')];
    const results = Promise.allSettled([lane.next(a.call), lane.next(b.call)]);
    await turns();
    expect(log).toEqual(['a']);
    a.end(new Error('no'));
    await turns();
    expect(log).toEqual(['a', 'b']);
    b.end();
    expect(await results).toMatchObject([{ status: 'rejected' }, { status: 'fulfilled', value: 'b' }]);
  });

  it('that wait when the connection is closed are not made; later ones are', async () => {
    const log: string[] = [];
    const lane = new Lane();
    const [a, b, c] = [pendingCall(log, 'a'), pendingCall(log, 'b'), pendingCall(log, 'c')];
    const results = Promise.allSettled([lane.next(a.call), lane.next(b.call)]);
    await turns();
    lane.close();
    const later = lane.next(c.call);
    a.end();
    await turns();
    c.end();
    expect(await results).toMatchObject([{ status: 'fulfilled' }, { reason: { code: 'closed' } }]);
    expect([await later, log]).toEqual(['c', ['a', 'c']]);
  });
});
