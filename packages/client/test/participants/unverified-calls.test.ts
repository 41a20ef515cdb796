import { CallNotVerified } from '@holdfast/protocol/signing';
import { afterEach, expect, it, vi } from 'vitest';
import { BadBranchCall } from '../../src/participants/call.ts';
import { warnOfError } from '../../src/participants/reported-error.ts';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

it('prints calls that are not verified at intervals and without a stack, since any client can make them', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const emit = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  const reject = (message: string): void =>
    void warnOfError(new BadBranchCall(401, message, { cause: new CallNotVerified(message) }), undefined);
  for (let calls = 0; calls < 1_000; calls++) reject('it is not signed');
  vi.advanceTimersByTime(10_000);
  reject('it was signed for another host');
  expect(emit.mock.calls).toEqual([
    ['a call was rejected: it is not signed', { type: 'HoldfastWarning' }],
    [
      'a call was rejected: it was signed for another host (and 999 other calls before it)',
      { type: 'HoldfastWarning' },
    ],
  ]);
});
