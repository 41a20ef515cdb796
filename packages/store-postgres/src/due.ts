import { type ClaimRequest, type ClaimResult, STORE_LIMITS, StoreError } from '@holdfast/core/store';
import type { TransactionKey } from '@holdfast/protocol';
import { textArray } from './arrays.ts';
import type { Connection } from './connection.ts';
import { read } from './read.ts';
import { CLAIM, LOOK } from './statements/index.ts';
import type { StoreClock } from './store-clock.ts';

/**
 * Implements `Store.claimDue`. The claim returns keys and is committed before a body is read, so
 * that a node that stops receiving keeps no locks.
 */
export async function claimDue(
  connection: Connection,
  clock: StoreClock,
  { session, limit, groups, maxBytes = STORE_LIMITS.responseBytes }: ClaimRequest,
): Promise<ClaimResult> {
  const hosted = textArray([...new Set(['', ...groups])]);
  const look = async (): Promise<Omit<ClaimResult, 'claimed'>> => {
    const [row] = await connection.query(LOOK, [...clock.parameters(), session, hosted]);
    const nowMs = clock.seen(Number(row?.['now']));
    const next = row?.['next'];
    if (row?.['alive'] !== true) return { nextDueInMs: null, sessionEnded: true };
    return { nextDueInMs: typeof next === 'number' ? Math.max(0, next - nowMs) : null, sessionEnded: false };
  };
  const before = await look();
  if (before.sessionEnded || before.nextDueInMs !== 0) return { claimed: [], ...before };
  const rows = await connection.query(CLAIM, [...clock.parameters(), session, limit, hosted, maxBytes]);
  const keys = rows as unknown as readonly TransactionKey[];
  try {
    const records = await read(connection, keys);
    // Another node may have taken over a record since the claim.
    const claimed = records.flatMap((record) => (record?.owner === session ? [record] : []));
    const after = await look();
    return { claimed: after.sessionEnded ? [] : claimed, ...after };
  } catch (thrown) {
    if (keys.length === 0) throw thrown;
    throw new StoreError('outcome_unknown', `${keys.length} transactions were claimed, but could not be read`, thrown);
  }
}
