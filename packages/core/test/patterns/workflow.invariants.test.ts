import fc from 'fast-check';
import { describe } from 'vitest';
import type { Transaction } from '../../src/patterns/index.ts';
import { workflow } from './support/definitions.ts';
import { statusChanged } from './support/facts.ts';
import { casesOf, holdsAlways } from './support/property.ts';

const intervalOf = ({ definition }: Transaction): number => definition.options.retryIntervalMs || 10_000;

const workflows = fc.constantFrom(0, 2_000).map((retryIntervalMs) => workflow({ retryIntervalMs }));

describe('workflow, whatever happens', () => {
  holdsAlways(casesOf(workflows, fc.constant(true)), ['prepared', 'aborting', 'succeed', 'failed'], {
    'WF1: only the client ends a workflow, or a person stops it': (seen) => {
      const { event, after } = seen;
      if (!statusChanged(seen) || !['succeed', 'failed'].includes(after.state.status)) return undefined;
      if (event.kind === 'stop') return undefined;
      return event.kind === 'ended' && event.status === after.state.status ? undefined : `ended by ${event.kind}`;
    },

    'WF2: once aborting, success is refused': ({ before, after }) =>
      before.state.status === 'aborting' && after.state.status === 'succeed' ? 'it succeeded' : undefined,

    'WF3: it is called back only while unfinished, one call at a time, and not before the retry interval is over': ({
      before,
      after,
      effects,
      nowMs,
      world,
    }) => {
      if (!effects.check) return undefined;
      if (!['prepared', 'aborting'].includes(after.state.status)) return `called back while ${after.state.status}`;
      if (before.checking) return 'called back twice at once';
      const firstMs = after.createdAtMs + (after.definition.options.retryIntervalMs || 10_000);
      return nowMs < firstMs && !world.pushed ? 'called back too early' : undefined;
    },

    'WF4: what its client recorded as the end stays': ({ event, before, after }) =>
      event.kind === 'ended' && ['succeed', 'failed'].includes(before.state.status) && before.state !== after.state
        ? 'an end changed'
        : undefined,

    'WF5: once a commit is recorded it is neither aborted nor ended as failed': ({ event, before, after }) =>
      before.state.status === 'prepared' &&
      before.registered.some(({ op, status }) => op === 'commit' && status === 'succeed') &&
      event.kind !== 'stop' &&
      ['aborting', 'failed'].includes(after.state.status)
        ? `${event.kind} made it ${after.state.status}`
        : undefined,

    'WF6: parked by its code it is not called back before a retry': ({ event, before, effects }) =>
      before.state.parked !== '' && effects.check && event.kind !== 'retry'
        ? `called back by ${event.kind}`
        : undefined,

    'WF8: a heartbeat starts nothing, and the callback comes an interval after it at the earliest': ({
      event,
      before,
      after,
      effects,
      nowMs,
      world,
    }) => {
      if (event.kind !== 'heartbeat')
        return effects.check && !world.pushed && nowMs < before.state.heartbeatAtMs + intervalOf(after)
          ? 'called back too early'
          : undefined;
      if (effects.check || effects.calls.length > 0) return 'it started a call';
      return before.state.parked !== '' && after.state.parked === '' ? 'it is not parked any more' : undefined;
    },

    'WF8: a heartbeat changes no status, and no record of a finished workflow': ({ event, before, after }) =>
      event.kind === 'heartbeat' &&
      (before.state.status !== after.state.status || (before.state.finishedAtMs !== 0 && before.state !== after.state))
        ? `${before.state.status} became ${after.state.status}`
        : undefined,

    'WF10: a claim before the callback is due starts none soon after a heartbeat': ({
      event,
      before,
      effects,
      nowMs,
    }) => {
      const { heartbeatAtMs, nextCheckAtMs } = before.state;
      if (event.kind !== 'resumed' || !effects.check || heartbeatAtMs === 0) return undefined;
      const isSoon = nowMs < nextCheckAtMs && nowMs - heartbeatAtMs < intervalOf(before) / 2;
      return isSoon ? 'called back beside live code' : undefined;
    },
  });
});
