import { describe, expect, it } from 'vitest';
import type { CallContext, Coordinator } from '@holdfast/core';
import { ERROR_CODES, ERROR_RULES, HoldfastError } from '@holdfast/protocol';
import { DtmService, faultOfError } from '@holdfast/api';

const CONTEXT = {} as CallContext;

const failing = (error: HoldfastError): DtmService => {
  const fail = () => Promise.reject(error);
  const coordinator = new Proxy({}, { get: () => fail }) as Coordinator;
  return new DtmService({ coordinator, version: '1', defaultResetAfterMs: 1 });
};

describe("dtm's words for an error", () => {
  it.each(ERROR_CODES)('%s is FAILURE only if the state of the transaction contradicts the call for good', (code) => {
    const error = new HoldfastError(code, 'no', { gid: 'g', field: ['f'], status: 'aborting' });
    expect(faultOfError(error)).toMatchObject({
      kind: ERROR_RULES[code].dtm,
      status: 'aborting',
      error: { code, gid: 'g', field: 'f' },
    });
  });

  it('registering a branch of a transaction that does not exist is a FAILURE: the branch must not continue', async () => {
    const branch = { gid: 'g', pattern: 'tcc', branches: [] } as const;
    const missing = new HoldfastError('not_found', 'there is none', { gid: 'g' });
    await expect(failing(missing).invokeOf('registerBranch')(CONTEXT, branch)).resolves.toEqual({
      kind: 'FAILURE',
      message: 'there is none',
      status: undefined,
      error: { code: 'not_found', gid: 'g', field: undefined },
    });
    const away = new HoldfastError('unavailable', 'later');
    await expect(failing(away).invokeOf('registerBranch')(CONTEXT, branch)).rejects.toBe(away);
    await expect(failing(missing).invokeOf('abort')(CONTEXT, { gid: 'g', reason: '', waitResult: false })).rejects.toBe(
      missing,
    );
  });
});
