import { type BranchResult, branchResult } from './result.ts';

/**
 * What a participant throws to give an answer other than success; the same over HTTP and in the coordinator's own process. Anything else that
 * is thrown is UNKNOWN: the coordinator calls again with growing intervals.
 */

/** Where the errors carry their kind: it is recognised across two installed copies of this package, where `instanceof` would not. */
const KIND = Symbol.for('holdfast.branch-error');

/**
 * A business failure: it will never succeed, so the transaction must be rolled back. Throw it only from what can still be refused (an action or a
 * try): a confirm, commit, compensation, cancel or rollback that fails is retried, and raised as needing a person.
 */
export class BranchFailure extends Error {
  override readonly name = 'BranchFailure';
  readonly [KIND] = 'FAILURE';

  /** @param reason for people; it becomes part of the transaction's rollback reason. */
  constructor(reason: string, options?: { readonly cause?: unknown }) {
    super(reason, options);
  }
}

/** Not done yet: the coordinator asks again at the plain retry interval, without back-off. */
export class BranchOngoing extends Error {
  override readonly name = 'BranchOngoing';
  readonly [KIND] = 'ONGOING';

  /** @param reason for people; shown in the transaction's timeline. */
  constructor(reason = 'still running', options?: { readonly cause?: unknown }) {
    super(reason, options);
  }
}

/** Result of a branch that threw: FAILURE and ONGOING only by their own errors, everything else is UNKNOWN. */
export function resultOfThrown(thrown: unknown): BranchResult {
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return branchResult(kindOf(thrown) ?? 'UNKNOWN', reason);
}

function kindOf(thrown: unknown): 'FAILURE' | 'ONGOING' | undefined {
  if (typeof thrown !== 'object' || thrown === null || !(KIND in thrown)) return undefined;
  return thrown[KIND] === 'FAILURE' || thrown[KIND] === 'ONGOING' ? thrown[KIND] : undefined;
}

/**
 * The words of a reason for people: the `message` of a JSON body, as participants of this SDK answer it, else the text itself. Rollback reasons
 * quote a branch's body, so the JSON may stand behind other words.
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
