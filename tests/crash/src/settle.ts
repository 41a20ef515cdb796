import { setTimeout as delay } from 'node:timers/promises';
import type { CoordinatorClient } from './coordinator-client.ts';

/** Questions to the coordinator at once. */
const PARALLEL = 32;
const PAUSE_MS = 100;

/**
 * Waits until the coordinator reports every one of these transactions as final (or does not have
 * it), at most `timeoutMs`. Returns those that the coordinator still reports as unfinished. This
 * decides only when to stop waiting; the participants' journals decide whether the transactions are
 * final.
 */
export async function settle(
  client: CoordinatorClient,
  gids: Iterable<string>,
  timeoutMs: number,
): Promise<ReadonlySet<string>> {
  const deadlineMs = performance.now() + timeoutMs;
  let open = [...gids];
  for (;;) {
    open = await unfinishedOf(client, open);
    if (open.length === 0 || performance.now() > deadlineMs) return new Set(open);
    await delay(PAUSE_MS);
  }
}

async function unfinishedOf(client: CoordinatorClient, gids: readonly string[]): Promise<string[]> {
  const waiting = gids.values();
  const open: string[] = [];
  const ask = async (): Promise<void> => {
    for (const gid of waiting) {
      const status = await client.status(gid);
      if (status !== 'succeed' && status !== 'failed' && status !== 'absent') open.push(gid);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, ask));
  return open;
}
