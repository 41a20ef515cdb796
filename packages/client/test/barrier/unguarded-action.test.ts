import { expect, it, vi } from 'vitest';
import { createBarrier } from '../../src/barrier/create-barrier.ts';
import type { BranchCallContext } from '../../src/participants/call.ts';
import { serveBranch } from '../../src/participants/joined-work.ts';
import { RowDialect } from '@holdfast/testing/barriers';

function request(gid: string, op: string): BranchCallContext {
  return { gid, transType: 'saga', branchId: '01', op, payload: undefined, query: new URLSearchParams() };
}

it('warns once when a compensation behind a barrier does nothing because its action used no barrier', async () => {
  const emit = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  const barrier = createBarrier(new RowDialect());
  const undo = (gid: string) => serveBranch(request(gid, 'compensate'), (call) => barrier.run(call, () => 0));
  // No warning for an action that never ran, ran behind the barrier, or failed.
  await undo('never ran');
  await serveBranch(request('guarded', 'action'), (call) => barrier.run({ ...call }, () => 0));
  await undo('guarded');
  const fails = serveBranch(request('failed', 'action'), () => Promise.reject(new Error('no')));
  await expect(fails).rejects.toThrow('no');
  await undo('failed');
  expect(emit).not.toHaveBeenCalled();
  for (const gid of ['unguarded', 'unguarded too']) {
    await serveBranch(request(gid, 'action'), () => 'done');
    await undo(gid);
  }
  expect(emit).toHaveBeenCalledOnce();
  expect(emit.mock.calls[0]?.[0]).toContain('compensate of branch 01 of saga unguarded did nothing');
  emit.mockRestore();
});
