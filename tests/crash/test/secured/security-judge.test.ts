import { describe, expect, it } from 'vitest';
import { isSecure, securityLines, type SecurityResult } from '../../src/secured/security-judge.ts';
import { saga, Story } from '../story.ts';

const story = (): Story => new Story().secured([{ fromMs: 1_000, untilMs: 2_000 }]).planned(saga('x', 1));

describe('the judge of a secured run', () => {
  it('has no objection to signed calls and accepted tokens', () => {
    expect(story().responded('x', 'submit').effect('x', '01', 'action').found()).toEqual([]);
  });

  it('reports unsigned: a call without a valid signature, although it was rejected and then repeated', () => {
    const rejected = story().responded('x', 'submit').unverified('x', '01', 'action');
    expect(rejected.effect('x', '01', 'action').found()).toEqual(['unsigned x']);
  });

  it('reports unsigned: a call that a participant accepted without a signature', () => {
    const accepted = new Story().planned(saga('x', 1)).responded('x', 'submit').effect('x', '01', 'action');
    expect(accepted.secured().found()).toEqual(['unsigned x']);
  });

  it('reports locked-out: a client whose token is valid was rejected', () => {
    const denied = story().responded('x', 'submit', { outcome: 'unknown', deniedAtMs: 2_500 });
    expect(denied.responded('x', 'submit').effect('x', '01', 'action').found()).toEqual(['locked-out x']);
  });

  it('accepts a rejection while it is not known which token is valid', () => {
    const denied = story().responded('x', 'submit', { outcome: 'unknown', deniedAtMs: 1_500 });
    expect(denied.responded('x', 'submit').effect('x', '01', 'action').found()).toEqual([]);
  });
});

describe('the result of a secured run', () => {
  const result: SecurityResult = {
    rotations: 1,
    replacements: 1,
    rejected: 9,
    letIn: [],
    calls: { hmac: 5, ed25519: 5 },
  };

  it('is clean if nothing was let in, and everything was tried', () => {
    expect([isSecure(result), securityLines(result).join()]).toEqual([true, expect.not.stringContaining('NEVER')]);
  });

  it.each([
    ['no change of a token', { rotations: 0 }],
    ['no request without a token', { rejected: 0 }],
    ['no call with the second key', { calls: { hmac: 5, ed25519: 0 } }],
    ['no call with the first key', { calls: { hmac: 0, ed25519: 5 } }],
  ])('shows nothing with %s', (_, without) => {
    const less = { ...result, ...without };
    expect([isSecure(less), securityLines(less).join()]).toEqual([false, expect.stringContaining('NEVER HAPPENED')]);
  });

  it('has a violation for each request that was served without a valid token', () => {
    const letIn = [{ atMs: 0, protocol: 'grpc', credentials: 'retired' } as const];
    expect([isSecure({ ...result, letIn }), securityLines({ ...result, letIn }).at(-1)]).toEqual([
      false,
      'VIOLATION let-in over grpc, token: retired, at 1970-01-01T00:00:00.000Z',
    ]);
  });
});
