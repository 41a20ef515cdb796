import { type BranchCallContext, embed } from '@holdfast/embed';
import { LatencyHistogram } from '../load/latency-histogram.ts';
import type { LoadResult } from '../load/load.ts';
import { endWithParent, sendToParent } from '../processes/helper-side.ts';
import type { EmbeddedRound } from './embedded-round.ts';

// An application that runs sagas of two local functions. It receives its store as an argument, then
// one message per round.

interface Transfer {
  readonly amount: number;
}

/**
 * Functions that do nothing, like the branch service of the other subjects: the coordinator is
 * measured.
 */
const work = (call: BranchCallContext<Transfer>): Promise<number> => Promise.resolve(call.payload.amount);

endWithParent();
const branches = { debit: work, refund: work, credit: work, revoke: work };
const hf = await embed({ store: process.argv[2] ?? 'memory:', branches });

async function transfer(gid: string): Promise<boolean> {
  const { debit, refund, credit, revoke } = hf.branches;
  const { status } = await hf
    .saga(gid)
    .step({ action: debit, compensate: refund, payload: { amount: 30 } })
    .step({ action: credit, compensate: revoke, payload: { amount: 30 } })
    .submit({ wait: true });
  return status === 'succeed';
}

async function run({ inFlight, seconds, gidPrefix }: EmbeddedRound): Promise<LoadResult> {
  const latencies = new LatencyHistogram();
  let [sent, completed, failed] = [0, 0, 0];
  const startMs = performance.now();
  const endMs = startMs + seconds * 1000;
  const caller = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const sentMs = performance.now();
      const succeeded = await transfer(`${gidPrefix}${(sent += 1)}`).catch(() => false);
      if (succeeded) completed += 1;
      else failed += 1;
      latencies.add(performance.now() - sentMs);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  return {
    seconds: (performance.now() - startMs) / 1000,
    completed,
    p50Ms: latencies.percentileMs(50),
    p99Ms: latencies.percentileMs(99),
    statusErrors: 0,
    bodyErrors: failed,
    socketErrors: 0,
  };
}

if (!(await transfer(hf.newGid()))) throw new Error('the embedded coordinator did not run a saga');
process.on('message', (round) => void run(round as EmbeddedRound).then(sendToParent));
process.once('SIGTERM', () => void hf.close().finally(() => process.exit()));
sendToParent({ ready: true });
