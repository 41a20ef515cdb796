import { setTimeout as delay } from 'node:timers/promises';
import type { CoordinatorClient } from './coordinator-client.ts';

/** Questions to the coordinator at once. */
const PARALLEL = 32;
const PAUSE_MS = 100;

/**
 * Waits until the coordinator calls every one of these transactions final (or does not know it), at
 * most `timeoutMs`; returns those that it still calls unfinished. This only says when to stop
 * waiting: whether they are final is for the participants' journals to say.
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
