import { type BranchResult, branchResult } from './result.ts';
import { textOfThrown } from './thrown.ts';

/**
 * Errors that a participant throws for a result other than success; the same over HTTP and in the
 * coordinator's process. Any other error is UNKNOWN: the coordinator calls again with growing
 * intervals.
 */

/**
 * The property with an error's kind. It is recognised across two installed copies of this package,
 * where `instanceof` fails.
 */
const KIND = Symbol.for('holdfast.branch-error');

/**
 * A business failure: the action will never succeed, so the transaction must be rolled back. Throw
 * it only where rejection is still possible (an action or a try): a confirm, commit, compensation,
 * cancel or rollback that fails is retried and raises an alert.
 */
export class BranchFailure extends Error {
  override readonly name = 'BranchFailure';
  readonly [KIND] = 'FAILURE';

  /** @param reason human-readable; becomes part of the transaction's rollback reason */
  constructor(reason: string, options?: { readonly cause?: unknown }) {
    super(reason, options);
  }
}

/** Not done yet: the coordinator calls again at the plain interval, without backoff. */
export class BranchOngoing extends Error {
  override readonly name = 'BranchOngoing';
  readonly [KIND] = 'ONGOING';

  /** @param reason human-readable; shown in the transaction's timeline */
  constructor(reason = 'still running', options?: { readonly cause?: unknown }) {
    super(reason, options);
  }
}

/**
 * The result of a branch that threw: FAILURE and ONGOING for their error classes, UNKNOWN for any
 * other value. Never throws.
 */
export function resultOfThrown(thrown: unknown): BranchResult {
  return branchResult(kindOf(thrown) ?? 'UNKNOWN', textOfThrown(thrown));
}

function kindOf(thrown: unknown): 'FAILURE' | 'ONGOING' | undefined {
  if (typeof thrown !== 'object' || thrown === null) return undefined;
  try {
    const kind: unknown = KIND in thrown ? thrown[KIND] : undefined;
    return kind === 'FAILURE' || kind === 'ONGOING' ? kind : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The human-readable part of a reason: the `message` of a JSON body, as participants with this SDK
 * send it, otherwise the reason itself. Rollback reasons quote a branch's body, so other words may
 * precede the JSON.
 */
export function readableReason(reason: string): string {
  const start = reason.indexOf('{');
  if (start < 0) return reason;
  try {
    const body: unknown = JSON.parse(reason.slice(start));
    if (typeof body !== 'object' || body === null || !('message' in body) || typeof body.message !== 'string')
      return reason;
    return reason.slice(0, start) + body.message;
  } catch {
    return reason;
  }
}
