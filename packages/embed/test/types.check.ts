/**
 * What the types promise; compiled by `npm run check`, never run. TypeScript reports each
 * `@ts-expect-error` whose next line has no error.
 */
import type { BranchDeclaration } from '@holdfast/client';
import type { Barrier, Holdfast } from '@holdfast/client/api';
import { type BranchCallContext, embed, withBarrier } from '@holdfast/embed';
import { expectTypeOf } from 'vitest';

interface Transfer {
  readonly amount: number;
}

export async function embedded(barrier: Barrier<{ query(sql: string): void }>): Promise<void> {
  await using hf = await embed({
    store: 'memory:',
    branches: {
      debit: (call: BranchCallContext<Transfer>) => call.payload.amount,
      refund: withBarrier(barrier, (call: BranchCallContext<Transfer>, tx) => tx.query(String(call.payload.amount))),
      note: (call) => call.gid,
    },
  });
  expectTypeOf(hf).toExtend<Holdfast>();
  const { debit, refund, note } = hf.branches;
  expectTypeOf(debit).toEqualTypeOf<BranchDeclaration<Transfer>>();
  expectTypeOf(refund).toEqualTypeOf<BranchDeclaration<Transfer>>();
  hf.saga().step({ action: debit, compensate: refund, payload: { amount: 30 } });
  hf.saga().step({ action: note, compensate: null });
  // @ts-expect-error the function takes an amount
  hf.saga().step({ action: debit, compensate: refund, payload: { amont: 30 } });
  // @ts-expect-error the function takes a payload
  hf.saga().step({ action: debit, compensate: refund });
  // @ts-expect-error no function of that name was given
  hf.saga().step({ action: hf.branches.credit, compensate: null });
  // @ts-expect-error a store is needed
  await embed({});
  // @ts-expect-error no such option
  await embed({ store: 'memory:', retryInterval: 10 });
}
