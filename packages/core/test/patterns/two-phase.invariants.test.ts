import fc from 'fast-check';
import { describe } from 'vitest';
import type { Definition } from '../../src/patterns/index.ts';
import { twoPhase } from './support/definitions.ts';
import { became, indicesOf, isDone, isOp, statusChanged } from './support/facts.ts';
import { casesOf, holdsAlways, type Invariant } from './support/property.ts';

interface Phase {
  readonly pattern: 'tcc' | 'xa';
  readonly onSubmit: string;
  readonly onAbort: string;
  readonly newestFirst: boolean;
}

const definitions = (pattern: Phase['pattern']): fc.Arbitrary<Definition> =>
  fc
    .record({ timeoutToFailMs: fc.constantFrom(0, 5_000), retryIntervalMs: fc.constantFrom(0, 1_000) })
    .map((options) => twoPhase(pattern, options));

/** What both patterns promise, with the words of each. */
function invariantsOf({ onSubmit, onAbort, newestFirst }: Phase): readonly Invariant[] {
  return [
    ({ after, effects }) => {
      const allowed = after.state.status === 'submitted' ? onSubmit : after.state.status === 'aborting' ? onAbort : '';
      const wrong = effects.calls.find((index) => !isOp(after, index, allowed));
      if (wrong !== undefined) return `${after.branches[wrong]?.op} while ${after.state.status}`;
      return undefined;
    },

    ({ after, effects }) => {
      if (after.running.length > 1) return 'two branches at once';
      const [next] = effects.calls;
      if (next === undefined) return undefined;
      const all = indicesOf(after, after.branches[next]?.op ?? '');
      const earlier = all.filter((index) => (newestFirst ? index > next : index < next));
      return earlier.every((index) => isDone(after, index)) ? undefined : `op ${next} before its turn`;
    },

    (seen) => {
      const { after, world } = seen;
      if (world.stopped) return undefined;
      const op = became(seen, 'succeed') ? onSubmit : became(seen, 'failed') ? onAbort : undefined;
      if (op === undefined) return undefined;
      if (!indicesOf(after, op).every((index) => isDone(after, index))) return `ended without every ${op}`;
      const other = op === onSubmit ? onAbort : onSubmit;
      return [...world.called].some((index) => isOp(after, index, other)) ? `a ${other} was called as well` : undefined;
    },

    (seen) => {
      const { event, before, after } = seen;
      if (event.kind !== 'responded' || event.result.kind === 'SUCCESS') return undefined;
      if (statusChanged(seen)) return `${event.result.kind} turned ${before.state.status} to ${after.state.status}`;
      if (after.state.branches[event.branch]?.status !== 'prepared') return 'a branch is given up';
      return event.result.kind === 'FAILURE' && !after.state.attention ? 'nobody is called' : undefined;
    },

    (seen) => {
      const { before, after, nowMs } = seen;
      const deadlineMs = after.createdAtMs + (after.definition.options.timeoutToFailMs || 35_000);
      if (seen.event.kind === 'timer' || seen.event.kind === 'resumed') {
        const late = before.state.status === 'prepared' && after.state.parked === '' && nowMs >= deadlineMs;
        if (late && after.state.status === 'prepared') return 'it is late and was not aborted';
      }
      if (!became(seen, 'aborting') || seen.event.kind === 'abort') return undefined;
      return nowMs < deadlineMs ? 'aborted before its time' : undefined;
    },
  ];
}

const PHASES: readonly (Phase & { readonly claims: readonly string[] })[] = [
  {
    pattern: 'tcc',
    onSubmit: 'confirm',
    onAbort: 'cancel',
    newestFirst: true,
    claims: [
      'TC1: confirms are called only while submitted, cancels only while aborting',
      'TC2: one branch at a time, newest first',
      'TC3: succeed means every branch confirmed and none cancelled, failed the reverse',
      'TC4: no answer of a confirm or cancel turns the decision, and FAILURE needs a person',
      'TC5: a prepared one is aborted at its time-out, not earlier',
    ],
  },
  {
    pattern: 'xa',
    onSubmit: 'commit',
    onAbort: 'rollback',
    newestFirst: false,
    claims: [
      'XA1: commits are called only while submitted, rollbacks only while aborting',
      'XA2: one branch at a time, oldest first',
      'XA3: succeed means every branch committed and none rolled back, failed the reverse',
      'XA4: no answer of a commit or rollback turns the decision, and FAILURE needs a person',
      'XA5: a prepared one is aborted at its time-out, not earlier',
    ],
  },
];

describe.each(PHASES)('$pattern, whatever happens', (phase) => {
  const invariants = invariantsOf(phase);
  const named = Object.fromEntries(
    phase.claims.map((claim, i) => [claim, invariants[i] ?? (() => 'no such invariant')]),
  );
  holdsAlways(
    casesOf(definitions(phase.pattern), fc.constant(true)),
    ['prepared', 'submitted', 'aborting', 'succeed', 'failed'],
    named,
  );
});
