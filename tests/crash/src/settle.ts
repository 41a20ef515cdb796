import { setTimeout as delay } from 'node:timers/promises';
import type { CoordinatorClient } from './coordinator-client.ts';

/** Queries to the coordinator at once. */
const PARALLEL = 32;
const PAUSE_MS = 100;

/** The time by which `settle` waits. */
export interface Waiting {
  readonly nowMs: () => number;
  readonly pause: (ms: number) => Promise<unknown>;
}

const REAL: Waiting = { nowMs: () => performance.now(), pause: (ms) => delay(ms) };

/**
 * Waits until the coordinator reports every one of these transactions as final (or does not have
 * it), but at most `patienceMs` without another one becoming final: a busy machine needs longer for
 * all of them. Returns those that the coordinator still reports as unfinished. This decides only
 * when to stop waiting; the participants' journals decide whether the transactions are final.
 */
export async function settle(
  client: Pick<CoordinatorClient, 'status'>,
  gids: Iterable<string>,
  patienceMs: number,
  { nowMs, pause }: Waiting = REAL,
): Promise<ReadonlySet<string>> {
  let deadlineMs = nowMs() + patienceMs;
  let open = [...gids];
  for (;;) {
    const left = await unfinishedOf(client, open);
    if (left.length < open.length) deadlineMs = nowMs() + patienceMs;
    open = left;
    if (open.length === 0 || nowMs() > deadlineMs) return new Set(open);
    await pause(PAUSE_MS);
  }
}

async function unfinishedOf(client: Pick<CoordinatorClient, 'status'>, gids: readonly string[]): Promise<string[]> {
  const waiting = gids.values();
  const open: string[] = [];
  const poll = async (): Promise<void> => {
    for (const gid of waiting) {
      const status = await client.status(gid);
      if (status !== 'succeed' && status !== 'failed' && status !== 'absent') open.push(gid);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, poll));
  return open;
}
