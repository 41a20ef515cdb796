import { describe, expect, it } from 'vitest';
import { branchUrl, runInBranch } from '../../src/participants/branch-context.ts';
import type { BranchCallContext } from '../../src/participants/call.ts';

/** As of a function of the process, whose query is not its own property. */
class Call implements BranchCallContext {
  readonly gid = 'g';
  readonly transType = 'tcc';
  readonly branchId = '01';
  readonly op = 'try';
  readonly payload = undefined;

  get query(): URLSearchParams {
    return new URLSearchParams({ gid: 'g', holdfast_run: 'first' });
  }
}

const URL_OF_CALL = 'http://ledger/note?gid=g&trans_type=tcc&branch_id=01&op=try';

describe('the URL that makes a call part of the branch being served', () => {
  it.each([
    ['the call', (call: BranchCallContext) => call],
    ['a copy of it', (call: BranchCallContext) => ({ ...call })],
    [
      'what JSON leaves of it',
      (call: BranchCallContext) => JSON.parse(JSON.stringify({ ...call, query: call.query })) as BranchCallContext,
    ],
  ])('has its coordinates and its run, made of %s', async (_what, made) => {
    const call = new Call();
    const url = await runInBranch(call, () => branchUrl('http://ledger/note', made(call)));
    expect(url).toBe(`${URL_OF_CALL}&holdfast_run=first`);
  });

  it('has the coordinates of a copy that is used later', () => {
    const call: BranchCallContext = new Call();
    expect(branchUrl('http://ledger/note', { ...call })).toBe(URL_OF_CALL);
  });
});
