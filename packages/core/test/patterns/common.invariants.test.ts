import { isFinal } from '@holdfast/protocol';
import fc from 'fast-check';
import { describe } from 'vitest';
import { message, saga, twoPhase, workflow } from './support/definitions.ts';
import { statusChanged } from './support/facts.ts';
import { casesOf, holdsAlways } from './support/property.ts';

const anything = fc.constantFrom(
  saga(3),
  saga(3, { concurrent: true, timeoutToFailMs: 20_000 }, { 2: [0] }),
  saga(2, { retryLimit: 2 }),
  message(2),
  message(3, { concurrent: true, delayMs: 5_000 }),
  { ...message(1), queryPrepared: '' },
  twoPhase('tcc'),
  twoPhase('xa', { timeoutToFailMs: 5_000 }),
  workflow(),
);

describe('every pattern, whatever happens', () => {
  holdsAlways(casesOf(anything, fc.constant(true)), ['prepared', 'submitted', 'aborting', 'succeed', 'failed'], {
    'C1: a final status never changes': ({ before, after }) =>
      isFinal(before.state.status) && before.state !== after.state ? `${before.state.status} changed` : undefined,

    'C2: a parked transaction starts nothing until a person orders a retry, or its client ends the question it is parked for':
      ({ event, before, after, effects }) => {
        if (before.state.parked === '' || event.kind === 'retry') return undefined;
        const resolvesCheck = before.definition.pattern === 'msg' && event.kind === 'submitted';
        if (resolvesCheck && before.state.status === 'prepared') return undefined;
        return effects.calls.length > 0 || effects.check || (after.state.parked === '' && !isFinal(after.state.status))
          ? `${event.kind} woke it`
          : undefined;
      },

    'C3: after maxClaims claims in a row without progress it is parked, but for what calls nobody': ({
      event,
      before,
      after,
      effects,
    }) => {
      if (event.kind !== 'resumed' || event.claims <= 5 || isFinal(before.state.status)) return undefined;
      const { pattern } = before.definition;
      if (before.state.status === 'prepared' && (pattern === 'tcc' || pattern === 'xa'))
        return after.state.parked === before.state.parked ? undefined : 'it is parked though it calls nobody';
      if (after.state.parked === '' || !after.state.attention) return 'it is not parked';
      return effects.calls.length > 0 || effects.check ? 'it starts something' : undefined;
    },

    'D1: a changed status is durable before anything that depends on it': (seen) =>
      statusChanged(seen) && seen.effects.persist !== 'wait' ? `persisted: ${seen.effects.persist}` : undefined,

    'D2: progress within a status is written lazily, and is not forgotten': (seen) => {
      const { before, after, effects } = seen;
      const busy = after.running.length > 0 || after.checking;
      if (statusChanged(seen) || !busy || before.state.parked !== after.state.parked) return undefined;
      if (effects.persist === 'wait') return 'somebody waits for progress';
      return before.state !== after.state && effects.persist === 'none' ? 'progress is not written' : undefined;
    },

    'D3: a pass that leaves nothing running is written with its next due time': ({ before, after, effects }) => {
      const busy = after.running.length > 0 || after.checking;
      if (busy || isFinal(after.state.status)) return undefined;
      if (before.state !== after.state && effects.persist !== 'wait') return 'its node lets go before it is durable';
      const nothingToDo =
        after.state.parked !== '' || (after.definition.pattern === 'saga' && after.state.status === 'prepared');
      const asleep = effects.persist === 'wait' && effects.wakeAtMs === null;
      return asleep && !nothingToDo ? 'nothing would ever wake it' : undefined;
    },

    'D4: callers who wait are answered when nothing runs any more, or at the final status': ({ after, effects }) => {
      const idle = after.running.length === 0 && !after.checking;
      return effects.passOver === (idle || isFinal(after.state.status)) ? undefined : `passOver is ${effects.passOver}`;
    },
  });
});
