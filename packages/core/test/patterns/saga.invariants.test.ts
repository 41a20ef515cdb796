import fc from 'fast-check';
import { describe } from 'vitest';
import type { Definition } from '../../src/patterns/index.ts';
import { actionOf, compensateOf, stepOf } from '../../src/patterns/branches.ts';
import { saga } from './support/definitions.ts';
import { became, calledOps, isDone, isOp, statusChanged } from './support/facts.ts';
import type { Observation } from './support/model.ts';
import { casesOf, holdsAlways } from './support/property.ts';

const sagas: fc.Arbitrary<Definition> = fc
  .integer({ min: 1, max: 6 })
  .chain((count) =>
    fc.record({
      count: fc.constant(count),
      concurrent: fc.boolean(),
      orders: acyclic(count),
      retryLimit: fc.constantFrom(0, 0, 1, 3),
      timeoutToFailMs: fc.constantFrom(0, 0, 5_000, 60_000),
      retryIntervalMs: fc.constantFrom(0, 1_000),
    }),
  )
  .map(({ count, orders, ...options }) => saga(count, options, options.concurrent ? orders : {}));

/**
 * Each step after some of those with a smaller place in a random order, so nothing goes in a
 * circle.
 */
function acyclic(count: number): fc.Arbitrary<Record<number, number[]>> {
  const steps = Array.from({ length: count }, (_, i) => i);
  return fc
    .tuple(
      fc.shuffledSubarray(steps, { minLength: count }),
      fc.array(fc.nat(2 ** 6 - 1), { minLength: count, maxLength: count }),
    )
    .map(([order, masks]) =>
      Object.fromEntries(
        order.map((step, i) => [step, order.slice(0, i).filter((_, j) => ((masks[i] ?? 0) >> j) & 1)]),
      ),
    );
}

/** Steps that must have succeeded before this one starts. */
function predecessors({ definition, options }: Observation['after'], step: number): readonly number[] {
  if (options.concurrent) return definition.orders[step] ?? [];
  return step === 0 ? [] : [step - 1];
}

const steps = ({ definition }: Observation['after']): number[] => definition.steps.map((_, i) => i);

const cases = casesOf(sagas, fc.boolean());

describe('saga, whatever happens', () => {
  holdsAlways(cases, ['prepared', 'submitted', 'aborting', 'succeed', 'failed'], {
    'SG1: an action starts only while submitted and after all that it comes after succeeded': (seen) => {
      for (const index of calledOps(seen, 'action')) {
        if (seen.after.state.status !== 'submitted') return 'an action started while not submitted';
        if (!predecessors(seen.after, stepOf(index)).every((step) => isDone(seen.after, actionOf(step))))
          return `action of step ${stepOf(index)} started before its turn`;
      }
      return undefined;
    },

    'SG2: succeed means that every action succeeded': ({ after }) =>
      after.state.status === 'succeed' && !steps(after).every((step) => isDone(after, actionOf(step)))
        ? 'succeeded without all actions'
        : undefined,

    'SG3: the set to compensate is fixed with the decision and contains every step that may have been started': (
      seen,
    ) => {
      const { before, after, world } = seen;
      if (before.state.status === 'aborting' && before.state.compensate.join() !== after.state.compensate.join())
        return 'the set changed after the decision';
      const decided = became(seen, 'aborting') || (became(seen, 'failed') && before.state.status !== 'aborting');
      if (!decided || world.stopped) return undefined;
      const set = new Set(after.state.compensate);
      const called = steps(after).filter((step) => world.called.has(actionOf(step)));
      const missing = called.filter((step) => !set.has(step));
      if (missing.length > 0) return `steps ${missing.join()} were called and are not in the set`;
      return !world.crashed && set.size > called.length
        ? 'a step that certainly was not started is in the set'
        : undefined;
    },

    'SG4: a compensation starts only while aborting, in the set, its action not running, all that come after it undone':
      (seen) => {
        const { before, after } = seen;
        for (const index of calledOps(seen, 'compensate')) {
          const step = stepOf(index);
          if (after.state.status !== 'aborting') return 'a compensation started while not aborting';
          if (!after.state.compensate.includes(step)) return `step ${step} is not in the set`;
          if (
            after.running.includes(actionOf(step)) ||
            (before.running.includes(actionOf(step)) && respondedIn(seen) !== actionOf(step))
          )
            return `the action of step ${step} is running`;
          const later = after.state.compensate.filter((other) =>
            after.options.concurrent ? (after.definition.orders[other] ?? []).includes(step) : other > step,
          );
          if (!later.every((other) => isDone(after, compensateOf(other))))
            return `step ${step} is undone before its turn`;
        }
        return undefined;
      },

    'SG5: failed means that every step of the set was compensated': ({ after, world }) => {
      if (after.state.status !== 'failed' || world.stopped) return undefined;
      if (!after.state.compensate.every((step) => isDone(after, compensateOf(step))))
        return 'failed with steps not undone';
      const left = [...world.called].find((index) => isOp(after, index, 'action') && !isDone(after, index - 1));
      return left === undefined ? undefined : `op ${left} ran and was not undone`;
    },

    'SG6: a compensation that answers FAILURE needs a person and decides nothing; UNKNOWN and ONGOING decide nothing': (
      seen,
    ) => {
      const { event, before, after } = seen;
      if (event.kind !== 'responded' || event.result.kind === 'SUCCESS') return undefined;
      if (isOp(after, event.branch, 'compensate')) {
        if (statusChanged(seen)) return 'a compensation turned the status';
        if (after.state.branches[event.branch]?.status === 'failed') return 'a compensation is given up';
        return event.result.kind === 'FAILURE' && !after.state.attention ? 'nobody is called' : undefined;
      }
      if (event.result.kind === 'FAILURE' || before.state.status !== 'submitted' || !statusChanged(seen))
        return undefined;
      const { rollbackReason } = after.state;
      return /^(Timeout after|RetryCount is greater)/.test(rollbackReason)
        ? undefined
        : `decided by ${event.result.kind}`;
    },
  });
});

const respondedIn = ({ event }: Observation): number => (event.kind === 'responded' ? event.branch : -1);
