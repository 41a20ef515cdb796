import { FailedLogins } from '@holdfast/api';
import { HoldfastError, type Principal } from '@holdfast/protocol';
import { expect, it, vi } from 'vitest';
import { JwtAuthenticator } from '../../src/oidc/jwt-authenticator.ts';

/** The delays are not waited for. */
class ImpatientLogins extends FailedLogins {
  override hold(): Promise<void> {
    return Promise.resolve();
  }
}

const ALICE: Principal = { id: 'alice', roles: ['viewer'] };

function setup() {
  const at = { nowMs: 0, verified: 0, isHanging: false, reasons: [] as string[] };
  const logins = new ImpatientLogins({
    logger: { warn: () => undefined },
    onFailure: (reason) => void at.reasons.push(reason),
    nowMs: () => at.nowMs,
  });
  const authenticator = new JwtAuthenticator({
    verifier: {
      verify: (text) => {
        at.verified++;
        if (text.startsWith('valid'))
          return Promise.resolve({ kind: 'valid', principal: ALICE, untilMs: Infinity, keyId: 'k' });
        if (at.isHanging) return new Promise(() => {});
        return Promise.resolve({ kind: 'rejected', reason: 'rejected', fault: 'is forged' });
      },
    },
    keys: { isPublished: () => true, onChange: () => undefined },
    logins,
    next: { authenticate: () => Promise.reject(new HoldfastError('internal', 'this is a JWT')) },
  });
  /** `alice`, or the code of the error. */
  const verdictOf = async (text: string, remoteAddress: string): Promise<string> => {
    try {
      return (await authenticator.authenticate({ authorization: `Bearer ${text}.x.x`, remoteAddress })).id;
    } catch (error) {
      return HoldfastError.from(error).code;
    }
  };
  return { at, verdictOf };
}

it('after failures, the JWTs of an address are verified 500 times per second, and others as before', async () => {
  const { at, verdictOf } = setup();
  expect(await verdictOf('valid-known', 'a')).toBe('alice');
  for (let index = 0; index < 6; index++) expect(await verdictOf(`first${index}`, 'a')).toBe('unauthenticated');
  const codes = new Map<string, number>();
  for (let index = 0; index < 1_200; index++) {
    const code = await verdictOf(`forged${index}`, 'a');
    codes.set(code, (codes.get(code) ?? 0) + 1);
  }
  expect(Object.fromEntries(codes)).toEqual({ unauthenticated: 500, too_many_requests: 700 });
  expect([at.verified, at.reasons.filter((reason) => reason === 'unchecked').length]).toEqual([507, 700]);
  expect(await verdictOf('valid-known', 'a')).toBe('alice');
  expect(await verdictOf('valid-new', 'b')).toBe('alice');
  expect(await verdictOf('valid-other', 'a')).toBe('too_many_requests');
  at.nowMs += 1_000;
  expect(await verdictOf('valid-other', 'a')).toBe('alice');
});

it('the JWTs of one address that are verified at once leave room for those of others', async () => {
  const { at, verdictOf } = setup();
  at.isHanging = true;
  const settled: string[] = [];
  for (let index = 0; index < 2_000; index++) void verdictOf(`forged${index}`, 'a').then((code) => settled.push(code));
  await vi.waitUntil(() => settled.length === 1_250, { timeout: 10_000 });
  expect([at.verified, new Set(settled)]).toEqual([750, new Set(['too_many_requests'])]);
  expect(await verdictOf('valid-new', 'b')).toBe('alice');
});

it('the JWTs of several addresses that are verified at once leave room for a few of each other address', async () => {
  const { at, verdictOf } = setup();
  at.isHanging = true;
  const codes: string[] = [];
  const flood = (address: string, count: number): void => {
    for (let index = 0; index < count; index++)
      void verdictOf(`forged-${address}-${index}`, address).then((code) => codes.push(code));
  };
  flood('a', 500);
  flood('b', 500);
  flood('c', 100);
  await vi.waitUntil(() => codes.length === 92, { timeout: 10_000 });
  expect([at.verified, new Set(codes)]).toEqual([1_008, new Set(['overloaded'])]);
  expect(await verdictOf('valid-new', 'd')).toBe('alice');
  // All are bounded.
  for (let address = 0; address < 200; address++) flood(String(address), 8);
  await vi.waitUntil(() => codes.length === 92 + 608, { timeout: 10_000 });
  expect([at.verified, new Set(codes)]).toEqual([2_001, new Set(['overloaded'])]);
});
