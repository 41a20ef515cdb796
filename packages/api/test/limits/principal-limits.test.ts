import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LimitKind, PrincipalLimits } from '@holdfast/api';
import { ANONYMOUS, type CallerLimits, HoldfastError, type Principal } from '@holdfast/protocol';

const ANN: Principal = { id: 'ann', roles: ['submitter'] };
const BOB: Principal = { id: 'bob', roles: ['submitter'] };

/** Limits with a clock that the test sets. */
function limited(defaults: CallerLimits) {
  const clock = { nowMs: 0 };
  const rejections: LimitKind[] = [];
  const onLimited = (limit: LimitKind): void => void rejections.push(limit);
  const limits = new PrincipalLimits({ defaults, onLimited, nowMs: () => clock.nowMs });
  /** Returns undefined for an admitted request, otherwise the time after which to repeat it. */
  const attempt = (principal: Principal, bytes?: number): number | undefined => {
    try {
      limits.admit(principal, bytes);
      return undefined;
    } catch (thrown) {
      const error = HoldfastError.from(thrown);
      expect(error.code).toBe('too_many_requests');
      return error.retryAfterMs;
    }
  };
  return { clock, limits, attempt, rejections };
}

describe('the requests of a principal', () => {
  it('are admitted at once up to the burst, and then at the rate', () => {
    const { attempt, clock, rejections } = limited({ requestsPerSecond: 10, burst: 3 });
    expect([1, 2, 3, 4].map(() => attempt(ANN))).toEqual([undefined, undefined, undefined, 100]);
    clock.nowMs = 60;
    expect(attempt(ANN)).toBe(40);
    clock.nowMs = 100;
    expect([1, 2].map(() => attempt(ANN))).toEqual([undefined, 100]);
    expect(rejections).toEqual(['rate', 'rate', 'rate']);
  });

  it('may be those of one second at once if no burst is configured', () => {
    const { attempt } = limited({ requestsPerSecond: 2 });
    expect([1, 2, 3].map(() => attempt(ANN))).toEqual([undefined, undefined, 500]);
  });

  it('do not use up those of another principal', () => {
    const { attempt } = limited({ requestsPerSecond: 1 });
    expect([attempt(ANN), attempt(BOB), attempt(ANN)]).toEqual([undefined, undefined, 1000]);
  });

  it('are bounded by its own limits, also by those that change', () => {
    const { attempt } = limited({ requestsPerSecond: 1 });
    const strong = { ...ANN, limits: { requestsPerSecond: 2 } };
    expect([1, 2, 3].map(() => attempt(strong))).toEqual([undefined, undefined, 500]);
    // A token is read again: other objects with the same limits.
    expect(attempt({ ...ANN, limits: { requestsPerSecond: 2 } })).toBe(500);
    expect(attempt({ ...ANN, limits: { requestsPerSecond: 0 } })).toBeUndefined();
  });

  it('are not bounded if the caller is anonymous, or nothing is configured', () => {
    const { attempt } = limited({ requestsPerSecond: 1, bytesPerSecond: 1 });
    expect(Array.from({ length: 10 }, () => attempt(ANONYMOUS, 10))).toEqual(Array.from({ length: 10 }));
    const none = limited({});
    expect(Array.from({ length: 10 }, () => none.attempt(ANN, 10))).toEqual(Array.from({ length: 10 }));
  });

  it('are admitted at most at the rate over any time, and after the stated time', () => {
    const request = fc.record({ afterMs: fc.nat(3_000), waits: fc.boolean() });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 20 }),
        fc.array(request, { maxLength: 100 }),
        (requestsPerSecond, burst, requests) => {
          const { attempt, clock } = limited({ requestsPerSecond, burst });
          const admitted: number[] = [];
          for (const { afterMs, waits } of requests) {
            clock.nowMs += afterMs / 100;
            const waitMs = attempt(ANN);
            if (waitMs === undefined) admitted.push(clock.nowMs);
            else if (waits) {
              clock.nowMs += waitMs;
              expect(attempt(ANN)).toBeUndefined();
              admitted.push(clock.nowMs);
            }
          }
          for (const [first, fromMs] of admitted.entries())
            for (const [last, toMs] of admitted.entries())
              if (last >= first)
                expect(last - first + 1).toBeLessThanOrEqual(
                  burst + ((toMs - fromMs) / 1_000) * requestsPerSecond + 1e-6,
                );
        },
      ),
    );
  });
});

describe('the bytes of a principal', () => {
  it('admit a request as long as some are left, and later ones pay for it', () => {
    const { attempt, clock, rejections } = limited({ bytesPerSecond: 1_000 });
    expect(attempt(ANN, 4_000)).toBeUndefined();
    expect(attempt(ANN, 1)).toBe(3_001);
    clock.nowMs = 3_001;
    expect(attempt(ANN, 1)).toBeUndefined();
    expect(rejections).toEqual(['bytes']);
  });

  it('of a body whose length was not announced are counted when they arrive', () => {
    const { attempt, limits } = limited({ bytesPerSecond: 1_000 });
    expect(attempt(ANN)).toBeUndefined();
    limits.received(ANN, 2_000);
    expect(attempt(ANN)).toBe(1_001);
  });

  it('that are used up take no request', () => {
    const { attempt, clock } = limited({ bytesPerSecond: 1_000, requestsPerSecond: 1, burst: 2 });
    expect(attempt(ANN, 2_000)).toBeUndefined();
    expect([1, 2, 3].map(() => attempt(ANN))).toEqual([1_001, 1_001, 1_001]);
    clock.nowMs = 1_001;
    expect([1, 2, 3].map(() => attempt(ANN))).toEqual([undefined, undefined, 1_000]);
  });
});

it('ten thousand principals are remembered, those used last', () => {
  const { attempt } = limited({ requestsPerSecond: 1 });
  attempt(ANN);
  for (let number = 0; number < 9_999; number++) attempt({ id: `p${number}`, roles: [] });
  expect(attempt(ANN)).toBe(1000);
  for (let number = 0; number < 9_999; number++) attempt({ id: `q${number}`, roles: [] });
  expect(attempt(ANN)).toBe(1000);
  for (let number = 0; number < 10_000; number++) attempt({ id: `r${number}`, roles: [] });
  expect(attempt(ANN)).toBeUndefined();
});
