import type { Case, Evidence } from '../evidence.ts';
import type { Violation } from '../violation.ts';
import type { Intruder, LetIn } from './intruder.ts';
import type { KeyKind } from './signing-keys.ts';
import type { Doubt, TokenChanges } from './token-changes.ts';

/** Evidence of a secured run in addition to that of every run. */
export interface SecurityEvidence {
  /** Times in which clients may have had a token that is not valid. */
  readonly doubts: readonly Doubt[];
}

/** The security of one run. */
export interface SecurityResult {
  readonly rotations: number;
  readonly replacements: number;
  /** Requests without a valid token. */
  readonly rejected: number;
  readonly letIn: readonly LetIn[];
  /** Calls of participants by the key that signed them. */
  readonly calls: Readonly<Record<KeyKind, number>>;
}

/** What was seen of the security of a run. */
export function securityResult(changes: TokenChanges, intruder: Intruder, { journal }: Evidence): SecurityResult {
  const calls = { hmac: 0, ed25519: 0 };
  for (const { line } of journal) if (line.kind === 'call' && line.signedBy !== undefined) calls[line.signedBy]++;
  return { ...changes.counts, rejected: intruder.rejected, letIn: intruder.letIn, calls };
}

/**
 * Whether a run shows that only valid tokens were accepted. A run in which no token was changed, no
 * key was replaced, or no request was rejected shows nothing.
 */
export function isSecure({ rotations, replacements, rejected, letIn, calls }: SecurityResult): boolean {
  return letIn.length === 0 && rejected > 0 && rotations + replacements >= 2 && calls.hmac > 0 && calls.ed25519 > 0;
}

/**
 * Each call that a participant received must have a valid signature, and no client with a valid
 * token may be rejected.
 */
export function securityViolations(one: Case, evidence: SecurityEvidence | undefined): readonly Violation[] {
  if (evidence === undefined) return [];
  const { gid } = one;
  const unsigned = one.calls.filter(({ line }) => line.signedBy === undefined);
  const denied = one.responses.filter(({ response: { deniedAtMs } }) =>
    deniedAtMs === undefined
      ? false
      : !evidence.doubts.some(({ fromMs, untilMs }) => deniedAtMs >= fromMs && deniedAtMs <= untilMs),
  );
  return [
    ...unsigned.map(({ line }): Violation => ({ kind: 'unsigned', gid, detail: `${line.branchId} ${line.op}` })),
    ...one.unverified.map(({ branchId, op, reason }): Violation => {
      return { kind: 'unsigned', gid, detail: `${branchId} ${op} was rejected by its participant: ${reason}` };
    }),
    ...denied.map(({ call }): Violation => ({ kind: 'locked-out', gid, detail: `${call} with a valid token` })),
  ];
}

/** Lines of the report. */
export function securityLines(result: SecurityResult): readonly string[] {
  const { rotations, replacements, rejected, letIn, calls } = result;
  return [
    `tokens          ${rotations} rotated, ${replacements} replaced; ${rejected} requests without a valid one rejected`,
    `signatures      of calls that participants received: ${calls.hmac} by the first key (HMAC), ${calls.ed25519} by the second (ed25519)`,
    ...letIn.map(
      ({ credentials, protocol, atMs }) =>
        `VIOLATION let-in over ${protocol}, token: ${credentials}, at ${new Date(atMs).toISOString()}`,
    ),
    ...(isSecure(result) || letIn.length > 0 ? [] : ['NEVER HAPPENED  a change of a token or a key, or a rejection']),
  ];
}
