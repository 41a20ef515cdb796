import { BRANCH_STATUSES } from '@holdfast/protocol';
import type { RegisteredBranch } from '../model.ts';
import type { Entry } from '../store.ts';
import { decodeFrame, encodeFrame, numberOf, oneOf, textOf } from './frame.ts';

const FORMAT = 1;
const WHAT = 'registered branch';
const BRANCH = 'branch:';
const ORDER = 'order:';

/** Key of the entry by which another node is told that a person wants the transaction aborted; its body is the reason. */
export const ABORT_ORDER_KEY = `${ORDER}abort`;

const RETRY_ORDER = `${ORDER}retry:`;

/** A registered branch as an entry of its transaction; the same op of the same branch has the same key. */
export function encodeRegistration(branch: RegisteredBranch): Entry {
  const { branchId, op, url, status, digest, createdAtMs, payload } = branch;
  return {
    key: `${BRANCH}${branchId}:${op}`,
    body: encodeFrame(FORMAT, JSON.stringify({ branchId, op, url, status, digest, createdAtMs }), [payload]),
  };
}

/** The order to abort as an entry. */
export const encodeAbortOrder = (reason: string): Entry => ({
  key: ABORT_ORDER_KEY,
  body: encodeFrame(FORMAT, JSON.stringify({ reason }), []),
});

/** The order to drive at once as an entry; those given between two writes of the node that drives it (`since`: the id of its last one) are one order. */
export const encodeRetryOrder = (since: string): Entry => ({
  key: `${RETRY_ORDER}${since}`,
  body: encodeFrame(FORMAT, '{}', []),
});

/** How many orders to drive at once there were. */
export const countRetryOrders = (entries: readonly Entry[]): number =>
  entries.length === 0 ? 0 : entries.filter(({ key }) => key.startsWith(RETRY_ORDER)).length;

/** The branches among a transaction's entries, in the order of their registration. */
export function decodeRegistrations(entries: readonly Entry[]): RegisteredBranch[] {
  return entries.filter((entry) => entry.key.startsWith(BRANCH)).map(decodeRegistration);
}

/** One registered branch. Throws `UnreadableRecord`. */
export const decodeRegistration = (entry: Entry): RegisteredBranch =>
  decodeFrame(entry.body, FORMAT, WHAT, ({ head, body }) => {
    const { branchId, op, url, status, digest, createdAtMs } = head as Omit<RegisteredBranch, 'payload'>;
    return {
      branchId: textOf(branchId, undefined, WHAT),
      op: textOf(op, undefined, WHAT),
      url: textOf(url, undefined, WHAT),
      status: oneOf(BRANCH_STATUSES, status, WHAT),
      ...(digest !== undefined && { digest: textOf(digest, undefined, WHAT) }),
      createdAtMs: numberOf(createdAtMs, Number.NaN, WHAT),
      payload: body,
    };
  });

/** Reason of the order to abort, if there is one. */
export function decodeAbortOrder(entries: readonly Entry[]): string | undefined {
  const entry = entries.find((e) => e.key === ABORT_ORDER_KEY);
  return entry && decodeFrame(entry.body, FORMAT, 'order', ({ head }) => String((head as { reason: unknown }).reason));
}
