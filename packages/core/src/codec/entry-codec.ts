import { BRANCH_STATUSES } from '@holdfast/protocol';
import type { RegisteredBranch } from '../patterns/model.ts';
import type { AbortCommand } from '../patterns/step.ts';
import type { Entry } from '../store/store.ts';
import { decodeFrame, encodeFrame, numberOf, oneOf, textOf, UnreadableRecord } from './frame.ts';

const FORMAT = 1;
const WHAT = 'registered branch';
const BRANCH = 'branch:';
const COMMAND = 'order:';

/**
 * Key of the entry that passes an operator's abort command to the node that drives the transaction;
 * its body is the reason, and the principal that sent it.
 */
export const ABORT_COMMAND_KEY = `${COMMAND}abort`;

const RETRY_COMMAND = `${COMMAND}retry:`;

/**
 * A registered branch as an entry of its transaction; the same op of the same branch has the same
 * key.
 */
export function encodeRegistration(branch: RegisteredBranch): Entry {
  const { branchId, op, url, status, digest, createdAtMs, payload } = branch;
  return {
    key: `${BRANCH}${branchId}:${op}`,
    body: encodeFrame(FORMAT, JSON.stringify({ branchId, op, url, status, digest, createdAtMs }), [payload]),
  };
}

/** The abort command as an entry. */
export const encodeAbortCommand = ({ reason, by }: AbortCommand): Entry => ({
  key: ABORT_COMMAND_KEY,
  body: encodeFrame(FORMAT, JSON.stringify({ reason, by }), []),
});

/**
 * The retry command as an entry. Commands between two writes of the node that drives the
 * transaction (`since`: the ID of its last one) count as one, by the first principal.
 */
export const encodeRetryCommand = (since: string, by?: string): Entry => ({
  key: `${RETRY_COMMAND}${since}`,
  body: encodeFrame(FORMAT, JSON.stringify({ by }), []),
});

/** Number of retry commands. */
export const countRetryCommands = (entries: readonly Entry[]): number =>
  entries.length === 0 ? 0 : entries.filter(({ key }) => key.startsWith(RETRY_COMMAND)).length;

/**
 * The principal of the last retry command; undefined if it was anonymous, or there is none. A body
 * that cannot be read counts as anonymous: only the key of a retry decides.
 */
export function lastRetryBy(entries: readonly Entry[]): string | undefined {
  const entry = entries.findLast(({ key }) => key.startsWith(RETRY_COMMAND));
  try {
    return entry && decodeFrame(entry.body, FORMAT, 'order', ({ head }) => byOf(head as CommandHead));
  } catch (error) {
    if (error instanceof UnreadableRecord) return undefined;
    throw error;
  }
}

interface CommandHead {
  readonly reason?: unknown;
  /** Absent for an anonymous principal. Earlier versions ignore it. */
  readonly by?: string;
}

const byOf = ({ by }: CommandHead): string | undefined => (by === undefined ? by : textOf(by, undefined, 'order'));

/** The branches among a transaction's entries, in order of registration. */
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

/** The abort command, if there is one. */
export function decodeAbortCommand(entries: readonly Entry[]): AbortCommand | undefined {
  const entry = entries.find((e) => e.key === ABORT_COMMAND_KEY);
  return entry && decodeFrame(entry.body, FORMAT, 'order', ({ head }) => commandOf(head as CommandHead));
}

function commandOf(head: CommandHead): AbortCommand {
  const by = byOf(head);
  const reason = String(head.reason);
  return by === undefined ? { reason } : { reason, by };
}
