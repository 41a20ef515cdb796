import { HoldfastError, LIMITS, type Pattern } from '@holdfast/protocol';
import { decodeRegistration } from '../codec/entry-codec.ts';
import type { BranchRegistration } from '../coordinator.ts';
import type { RegisteredBranch } from '../patterns/model.ts';
import type { Entry } from '../store/store.ts';
import type { WriteResult } from './committer.ts';
import { notStored, unknownGid } from './errors.ts';
import { samePayload } from './same-payload.ts';

/**
 * Throws `refused` unless a step recorded again has the same outcome, and a branch of a tcc or xa
 * the same calls. With `strict` everything that is registered again must be the same. The first
 * registration stays.
 */
export function assertSame(
  gid: string,
  pattern: Pattern | undefined,
  branches: readonly BranchRegistration[],
  existing: readonly Entry[],
  strict: boolean,
): void {
  for (const entry of existing) {
    const first: RegisteredBranch = decodeRegistration(entry);
    const second = branches.find((branch) => branch.branchId === first.branchId && branch.op === first.op);
    if (second === undefined) continue;
    const name = `branch ${first.branchId} ${first.op}`;
    if (second.status !== first.status)
      throw new HoldfastError(
        'refused',
        `${name} was recorded as ${first.status} before; the first registration remains`,
        {
          gid,
          field: ['status'],
        },
      );
    // Otherwise the client would assume that the second payload is confirmed.
    const other = differenceOf(first, second, strict || pattern === 'tcc', pattern);
    if (other !== undefined)
      throw new HoldfastError(
        'refused',
        `${name} was registered with ${other} before; the first registration remains`,
        {
          gid,
          field: ['branchId'],
        },
      );
  }
}

/** How a repeated registration of a branch differs from the first one; undefined if it does not. */
function differenceOf(
  first: RegisteredBranch,
  second: BranchRegistration,
  isWhole: boolean,
  pattern: Pattern | undefined,
): string | undefined {
  if (!isWhole) return pattern === 'xa' && first.url !== second.url ? 'another URL' : undefined;
  if (first.url !== second.url || !samePayload(first.payload, second.payload)) return 'another URL or payload';
  // The digest covers the input with which the branch was called.
  if (first.digest === second.digest) return undefined;
  return pattern === 'tcc'
    ? 'another digest (by another part of the transaction or within another run)'
    : 'other input (another digest)';
}

/**
 * The bounds on a record's branches. The end of a workflow step has room where new steps do not:
 * otherwise a workflow could be decided and never finish.
 */
export function roomFor(
  pattern: Pattern | undefined,
  branches: readonly BranchRegistration[],
): { readonly maxEntries: number; readonly maxBytes: number } {
  const { registeredBranches, registeredBytes, workflowSteps } = LIMITS;
  if (pattern !== 'workflow') return { maxEntries: registeredBranches, maxBytes: registeredBytes };
  const begins = branches.some(({ op }) => op !== 'rollback' && op !== 'commit');
  return begins
    ? { maxEntries: 2 * workflowSteps, maxBytes: registeredBytes }
    : { maxEntries: 4 * workflowSteps, maxBytes: 2 * registeredBytes };
}

const NO_ROOM = {
  entries: `a transaction has at most ${LIMITS.registeredBranches} registered branches, and a workflow at most ${LIMITS.workflowSteps} steps`,
  bytes: `the registered branches of a transaction have at most ${LIMITS.registeredBytes / 1024 / 1024} MiB together; keep large data elsewhere and send a reference to it`,
} as const;

/** The error that explains why nothing was registered. */
export function registrationError(gid: string, result: Exclude<WriteResult, { kind: 'applied' }>): HoldfastError {
  switch (result.kind) {
    case 'missing':
      return unknownGid(gid);
    case 'conflict':
      return result.full === undefined
        ? new HoldfastError('refused', `current status '${result.status}', cannot register a branch`, {
            gid,
            status: result.status,
          })
        : new HoldfastError('too_large', NO_ROOM[result.full], { gid, status: result.status });
    case 'failed':
      return notStored({ gid }, result.error);
    case 'abandoned':
      return new HoldfastError('unavailable', `${gid}: whether the branch was stored is unknown; retry`, { gid });
  }
}
