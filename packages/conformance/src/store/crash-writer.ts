import { writeSync } from 'node:fs';
import type { Store } from '@holdfast/core/store';
import { insertOf, openSession, updateOf } from './items.ts';

const BATCH = 16;
const STDOUT = 1;

/**
 * The program of a process that a test kills: it writes batches endlessly and, after each
 * acknowledged batch, prints one line `gid version` per transaction. Half of the inserted
 * transactions finish with the next batch.
 *
 * @param run different for each process at one place, so that no gid occurs twice
 */
export async function crashWriter(store: Store, run: string): Promise<never> {
  await store.open();
  const session = await openSession(store, run);
  let open: string[] = [];
  for (let batch = 0; ; batch++) {
    const gids = Array.from({ length: BATCH }, (_, i) => `${run}-${batch}-${i}`);
    const items = [
      ...gids.map((gid, i) => insertOf(gid, i % 4 === 0 ? { dueInMs: 0 } : { owner: session })),
      ...open.map((gid) => updateOf(gid, 1, { status: 'succeed' })),
    ];
    const outcomes = await store.write(items);
    const lines = outcomes.map(
      (outcome, i) => `${items[i]?.key.gid} ${outcome.kind === 'applied' ? outcome.version : 'refused'}`,
    );
    // Synchronous: the acknowledgement is printed before anything else happens.
    writeSync(STDOUT, `${lines.join('\n')}\n`);
    open = gids.filter((_, i) => i % 2 === 0);
  }
}
