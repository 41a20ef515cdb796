import { describe, expect, it } from 'vitest';
import { createBarrier } from '../../src/barrier/create-barrier.ts';
import { readArguments } from '../../src/participants/branch-server.ts';
import type { BranchCallContext } from '../../src/participants/call.ts';
import { RowDialect } from '@holdfast/testing/barriers';

const TOO_LARGE = 'x'.repeat(16 * 1024);

const request = (transType: 'saga' | 'tcc' | 'workflow' | 'xa' | 'msg', op: string): BranchCallContext => ({
  gid: 'g-1',
  transType,
  branchId: '01',
  op,
  payload: undefined,
  query: new URLSearchParams(),
});

/** A handler behind a barrier, and how often its work ran. */
function behindBarrier(result: () => unknown) {
  let runs = 0;
  const barrier = createBarrier(new RowDialect());
  const { handler } = readArguments<unknown, RowDialect, object>([barrier, () => (runs++, result()), undefined]);
  return { handler, runs: () => runs };
}

describe('the response to a repeated call behind a barrier, whose result could not be kept', () => {
  it.each([
    ['saga', 'action'],
    ['msg', 'action'],
  ] as const)('is success to the coordinator of a %s, which reads no result', async (transType, op) => {
    const { handler, runs } = behindBarrier(() => TOO_LARGE);
    expect(await handler(request(transType, op))).toBe(TOO_LARGE);
    expect(await handler(request(transType, op))).toBeUndefined();
    expect(runs()).toBe(1);
  });

  it.each([
    ['tcc', 'try'],
    ['workflow', 'action'],
  ] as const)('is a failure to the initiator of a %s, which reads the result of %s', async (transType, op) => {
    const { handler, runs } = behindBarrier(() => TOO_LARGE);
    await handler(request(transType, op));
    await expect(handler(request(transType, op))).rejects.toMatchObject({
      name: 'BranchFailure',
      message: expect.stringContaining('16384 bytes'),
      cause: { code: 'barrier_result_unavailable' },
    });
    expect(runs()).toBe(1);
  });

  it('is success where the coordinator calls: confirm, cancel, commit and rollback', async () => {
    for (const [transType, op, first] of [
      ['tcc', 'confirm', undefined],
      ['tcc', 'cancel', 'try'],
      ['workflow', 'rollback', 'action'],
      ['workflow', 'commit', undefined],
    ] as const) {
      const { handler } = behindBarrier(() => TOO_LARGE);
      if (first !== undefined) await handler(request(transType, first));
      expect(await handler(request(transType, op))).toBe(TOO_LARGE);
      expect(await handler(request(transType, op))).toBeUndefined();
    }
  });

  it('has the JSON of the first response, whose form a Date and a class have had there, too', async () => {
    const { handler } = behindBarrier(() => ({ at: new Date(0), of: new Map([[1, 2]]), n: Number.NaN }));
    const [first, second] = [await handler(request('tcc', 'try')), await handler(request('tcc', 'try'))];
    expect(JSON.stringify(second)).toBe(JSON.stringify(first));
  });

  it.each([
    ['a bigint', () => 1n],
    ['nothing', () => undefined],
  ])('has no result for %s, as the first one had none', async (_, result) => {
    const { handler } = behindBarrier(result);
    await handler(request('tcc', 'try'));
    expect(await handler(request('tcc', 'try'))).toBeUndefined();
  });
});

describe('within a transaction of the caller', () => {
  it('a result that cannot be kept is unavailable, and one with a codec is returned', async () => {
    const dialect = new RowDialect();
    const barrier = createBarrier(dialect);
    const codec = { encode: String, decode: (json: unknown) => BigInt(json as string) };
    const call = (branchId: string) => ({ ...request('saga', 'action'), branchId });
    await barrier.within<unknown>(dialect, call('01'), () => 1n);
    const lost = await barrier.within<unknown>(dialect, call('01'), () => 2n);
    expect(lost).toMatchObject({ ran: false, unavailable: { code: 'barrier_result_unavailable' } });
    await barrier.within(dialect, call('02'), () => 1n, { codec });
    expect(await barrier.within(dialect, call('02'), () => 2n, { codec })).toEqual({
      ran: false,
      why: 'repeated',
      value: 1n,
    });
  });

  it('a member that is undefined is left out, as its reader sees no difference', async () => {
    const dialect = new RowDialect();
    const barrier = createBarrier(dialect);
    const call = () => request('saga', 'action');
    await barrier.within(dialect, call(), () => ({ receipt: 7, note: undefined }));
    const again = await barrier.within(dialect, call(), () => ({ receipt: 8, note: undefined }));
    expect(again).toEqual({ ran: false, why: 'repeated', value: { receipt: 7 } });
  });
});
