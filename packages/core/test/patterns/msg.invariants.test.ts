import fc from 'fast-check';
import { describe } from 'vitest';
import type { Definition } from '../../src/patterns/index.ts';
import { message } from './support/definitions.ts';
import { became, isDone } from './support/facts.ts';
import { casesOf, holdsAlways } from './support/property.ts';

const messages: fc.Arbitrary<Definition> = fc
  .record({
    count: fc.integer({ min: 1, max: 5 }),
    subscribers: fc.option(fc.integer({ min: 1, max: 3 })),
    concurrent: fc.boolean(),
    delayMs: fc.constantFrom(0, 0, 20_000),
    timeoutToFailMs: fc.constantFrom(0, 5_000),
    retryIntervalMs: fc.constantFrom(0, 1_000),
  })
  .map(({ count, subscribers, ...options }) => withTopic(message(count, options), subscribers));

/** The first step fans out to `count` subscribers. */
function withTopic(definition: Definition, count: number | null): Definition {
  if (count === null) return definition;
  const subscribers = Array.from({ length: count }, (_, i) => `http://s/${i}`);
  const steps = definition.steps.map((step, i) => (i === 0 ? { ...step, action: 'topic://t', subscribers } : step));
  return { ...definition, steps };
}

describe('msg, whatever happens', () => {
  holdsAlways(casesOf(messages, fc.boolean()), ['prepared', 'submitted', 'succeed', 'failed'], {
    'MS1: no step is called before the message is submitted, nor before its delay is over': (seen) => {
      const { after, effects, nowMs, world } = seen;
      if (effects.calls.length === 0) return undefined;
      if (after.state.status !== 'submitted') return `a step is called while ${after.state.status}`;
      const submittedAtMs = became(seen, 'submitted') ? nowMs : (world.submittedAtMs ?? Infinity);
      return nowMs < submittedAtMs + after.definition.options.delayMs ? 'called before the delay was over' : undefined;
    },

    'MS2: once submitted it is never rolled back; a step that answers FAILURE is retried and needs a person': (
      seen,
    ) => {
      const { event, before, after } = seen;
      if (
        before.state.status === 'submitted' &&
        event.kind !== 'stop' &&
        !['submitted', 'succeed'].includes(after.state.status)
      )
        return `it became ${after.state.status}`;
      if (event.kind !== 'responded' || event.result.kind !== 'FAILURE' || before.state.status !== 'submitted')
        return undefined;
      if (after.state.branches[event.branch]?.status !== 'prepared') return 'the step is given up';
      return after.state.attention ? undefined : 'nobody is called';
    },

    'MS3: succeed means that every step, every subscriber of a topic too, succeeded': ({ after }) =>
      after.state.status === 'succeed' && !after.branches.every((_, index) => isDone(after, index))
        ? 'succeeded without all steps'
        : undefined,

    'MS4: the client is asked only while prepared beyond the time-out; SUCCESS submits, FAILURE fails, the rest asks again':
      (seen) => {
        const { event, before, after, effects, nowMs, world } = seen;
        const deadlineMs = after.createdAtMs + (after.definition.options.timeoutToFailMs || 35_000);
        if (effects.check) {
          if (after.state.status !== 'prepared') return `asked while ${after.state.status}`;
          if (nowMs < deadlineMs && !world.pushed) return 'asked before its time';
        }
        if (event.kind !== 'checked') return undefined;
        if (before.state.status !== 'prepared')
          return before.state === after.state ? undefined : 'a late answer changed something';
        const expected = { SUCCESS: ['submitted'], FAILURE: ['failed'], ONGOING: ['prepared'], UNKNOWN: ['prepared'] };
        if (!expected[event.result.kind].includes(after.state.status))
          return `${event.result.kind} made it ${after.state.status}`;
        const checksAgain = effects.wakeAtMs !== null && effects.wakeAtMs > nowMs;
        return after.state.status === 'prepared' && !checksAgain ? 'it does not ask again' : undefined;
      },

    'MS5: sequential unless concurrent: a step starts after the one before it succeeded': ({ after, effects }) => {
      if (after.options.concurrent) return undefined;
      if (after.running.length > 1) return 'two steps at once';
      const [next] = effects.calls;
      if (next === undefined) return undefined;
      return after.branches.slice(0, next).every((_, index) => isDone(after, index))
        ? undefined
        : 'started before its turn';
    },
  });
});
