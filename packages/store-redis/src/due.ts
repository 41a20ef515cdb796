import {
  type ClaimRequest,
  type ClaimResult,
  type MakeDueRequest,
  type MakeDueResult,
  STORE_LIMITS,
  type StoredTransaction,
  StoreError,
} from '@holdfast/core/store';
import type { Reply } from './connection.ts';
import { type Installation, LOOKED_AT, partly, STEP } from './installation.ts';
import { bytesOf, keyOf, listOf, RecordReader, textOf } from './records.ts';
import { CLAIM, GROUPS, MAKE_DUE } from './scripts/index.ts';

/** Claims due transactions, in steps between which Redis serves other calls. */
export async function claimDue(keys: Installation, request: ClaimRequest): Promise<ClaimResult> {
  const { session, limit, groups, maxBytes = STORE_LIMITS.responseBytes } = request;
  let left: string | number = maxBytes;
  const hosted = [...new Set(['', ...groups])];
  const claimed: StoredTransaction[] = [];
  for (;;) {
    let reply: Reply;
    try {
      const most = Math.min(STEP, limit - claimed.length);
      reply = await keys.run(CLAIM, [session, most, left, claimed.length === 0 ? 1 : 0, ...hosted]);
    } catch (thrown) {
      // Nothing of this step was applied, and the results of the earlier steps are known, so they
      // are returned.
      const refused = thrown instanceof StoreError && thrown.code === 'unavailable';
      if (refused && claimed.length > 0) return { claimed, nextDueInMs: 0, sessionEnded: false };
      throw thrown;
    }
    const [now, alive, due, found, full, leftOver] = listOf(reply);
    left = textOf(leftOver);
    const nowMs = keys.clock.seen(now);
    const reader = new RecordReader(listOf(found));
    while (reader.more) {
      const record = reader.record(keyOf(reader.bytes()));
      if (record !== undefined) claimed.push(record);
    }
    if (alive === 0) return { claimed: [], nextDueInMs: null, sessionEnded: true };
    const nextDueInMs = textOf(due) === '' ? null : Math.max(0, Number(textOf(due)) - nowMs);
    if (nextDueInMs !== 0 || full === 1 || claimed.length >= limit)
      return { claimed, nextDueInMs, sessionEnded: false };
  }
}

/** Makes waiting transactions due, group by group, in bounded steps. */
export async function makeDue(
  keys: Installation,
  { namespace, laterThanMs, limit }: MakeDueRequest,
): Promise<MakeDueResult> {
  const begin = `${Buffer.byteLength(namespace)}:${namespace}`;
  const later = Math.max(0, Math.floor(laterThanMs));
  let count = 0;
  // One time for all steps: what an earlier step made due no longer counts as waiting in the next.
  let atMs = '';
  for (const group of listOf(await keys.run(GROUPS))) {
    for (let kept = 0; ;) {
      const args = [bytesOf(group), begin, later, limit - count, kept, LOOKED_AT, atMs];
      const [made, others, full, looked, time] = listOf(await partly(count > 0, keys.run(MAKE_DUE, args)));
      count += Number(made);
      kept += Number(others);
      atMs = textOf(time);
      if (full === 1) return { count, more: true };
      if (Number(looked) < LOOKED_AT) break;
    }
  }
  return { count, more: false };
}
