import { setTimeout } from 'node:timers/promises';
import { type BranchCallContext, embed } from '@holdfast/embed';

const say = (what: string) => async (call: BranchCallContext<{ amount: number }>) => {
  await setTimeout(1_000); // Time to press Ctrl-\ or to kill -9 this process.
  console.log(`${call.gid}: ${what} ${call.payload.amount}`);
};
const branches = { debit: say('debit'), refund: say('refund'), credit: say('credit'), revoke: say('revoke') };
await using hf = await embed({ store: 'lmdb:./data', branches });
const { debit, refund, credit, revoke } = hf.branches;
const { gid } = await hf
  .saga()
  .step({ action: debit, compensate: refund, payload: { amount: 30 } })
  .step({ action: credit, compensate: revoke, payload: { amount: 30 } })
  .submit({ wait: true });
console.log(`${gid}: done`);
