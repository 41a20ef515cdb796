import { describe, expect, it } from 'vitest';
import { judgeCluster, type ClusterJudgement } from '../src/cluster-judge.ts';
import type { DoneFault } from '../src/database-faults/fault-run.ts';
import type { Evidence } from '../src/evidence.ts';
import type { JournalLine } from '../src/journal.ts';
import type { Note } from '../src/notes.ts';
import type { ClusterNode, Outage } from '../src/outages.ts';
import type { Plan } from '../src/plan.ts';
import { saga } from './story.ts';

const SILENCE_MS = 2_000;
const OWN = '127.0.0.11';
const OTHER = '127.0.0.12';
// Only the name and address are read.
const node = { name: 'n1', address: OWN } as ClusterNode;

/** It was paused from 10,000 to 13,000, and its next session is of 13,050. */
const pause: Outage = { kind: 'pause', node, fromMs: 10_000, untilMs: 13_000, backMs: 13_000 };
const next = { session: 'n1-b', node: 'n1', startedAtMs: 13_050, seenAtMs: 13_060, untilMs: 60_000 };

/** Calls and responses of sagas, at given times. */
class Calls {
  readonly #notes: Note[] = [];
  readonly #lines: JournalLine[] = [];

  planned(atMs: number, plan: Plan = saga('x', 3)): this {
    this.#notes.push({ kind: 'planned', gid: plan.gid, plan, atMs });
    return this;
  }

  called(atMs: number, branchId: string, from = OWN, gid = 'x'): this {
    this.#lines.push({ kind: 'call', gid, branchId, op: 'action', madeFor: '', from, protocol: 'http', atMs });
    return this;
  }

  responded(atMs: number, branchId: string, from = OWN, gid = 'x'): this {
    this.#lines.push({ kind: 'response', gid, branchId, op: 'action', result: 'success', from, atMs });
    return this;
  }

  judge(outages: readonly Outage[], sessions = [next], faults: readonly DoneFault[] = []): ClusterJudgement {
    const placed = <T>(line: T) => ({ line, text: '', endByte: 0 });
    const evidence: Evidence = {
      journal: this.#lines.map(placed),
      notes: this.#notes.map(placed),
      unfinished: new Set(),
    };
    return judgeCluster(evidence, { kills: [], nodes: [node], outages, faults, sessions }, SILENCE_MS);
  }

  found(outages: readonly Outage[], sessions = [next], faults: readonly DoneFault[] = []): readonly string[] {
    return this.judge(outages, sessions, faults).violations.map(({ kind, node: name }) => `${kind} ${name}`);
  }
}

describe('the judge of several coordinators', () => {
  it('convicts a coordinator that continues after a pause because of a response that came during the pause', () => {
    const calls = new Calls().planned(9_000).called(9_990, '01').responded(10_020, '01').called(13_010, '02');
    expect(calls.found([pause])).toEqual(['called-while-fenced n1']);
  });

  it('convicts a coordinator that executes after a pause, in its old session, a request that came during the pause', () => {
    const calls = new Calls().planned(12_000).called(13_020, '01');
    expect(calls.found([pause])).toEqual(['called-while-fenced n1']);
  });

  it('accepts a call that was decided before the pause', () => {
    const calls = new Calls().planned(9_000).called(9_980, '01').responded(9_995, '01').called(13_001, '02');
    expect(calls.found([pause])).toEqual([]);
  });

  it('accepts a retry after a call that timed out before the pause but received a response', () => {
    const calls = new Calls().planned(8_000).called(8_980, '01').responded(10_400, '01').called(13_001, '01');
    expect(calls.found([pause])).toEqual([]);
  });

  it('accepts calls in its next session, and calls of other coordinators at any time', () => {
    const calls = new Calls().planned(12_000).called(12_100, '01', OTHER).responded(12_110, '01', OTHER);
    expect(calls.called(13_100, '02').found([pause])).toEqual([]);
  });

  it('accepts calls in a session of which only the time of observation is known', () => {
    // The clock of the store was wrong, and no running node could be queried during the pause.
    const doubtful = { ...next, startedAtMs: 9_900, seenAtMs: 14_000 };
    const calls = new Calls().planned(12_000).called(13_500, '01');
    expect(calls.found([pause], [doubtful])).toEqual([]);
  });

  it('convicts a coordinator that calls while all tables, but not while a single record, have been locked for longer than a lease lasts', () => {
    const held = { fromMs: 20_000, untilMs: 23_000, backMs: 23_100, hits: 1, what: '' };
    const calls = new Calls().planned(19_000).called(22_500, '02');
    expect(calls.found([], [next], [{ ...held, kind: 'locked-tables' }])).toEqual(['called-without-lease n1']);
    expect(calls.found([], [next], [{ ...held, kind: 'locked-records' }])).toEqual([]);
  });

  it('convicts a coordinator that never opens a new session', () => {
    expect(new Calls().found([pause], [])).toEqual(['never-let-go n1']);
    const away: Outage = { kind: 'database', node: undefined, fromMs: 12_900, untilMs: 14_000, backMs: 15_000 };
    expect(new Calls().found([pause, away], [])).toEqual([]);
  });

  it('convicts a coordinator that calls while the database has been unavailable for longer than a lease lasts', () => {
    const away: Outage = { kind: 'database', node: undefined, fromMs: 20_000, untilMs: 23_000, backMs: 24_000 };
    const calls = new Calls().planned(19_000).called(21_000, '01').called(22_500, '02').called(23_500, '03');
    expect(calls.found([away])).toEqual(['called-without-lease n1']);
  });
});

describe('a takeover', () => {
  const kill: Outage = { kind: 'kill', node, fromMs: 10_000, untilMs: 10_000, backMs: 10_600 };

  it('is measured from the kill to the next call of a transaction that had a call in flight', () => {
    const calls = new Calls().planned(9_000).called(9_900, '01').called(12_300, '01', OTHER);
    expect(calls.judge([kill]).takeOvers).toEqual([{ node: 'n1', gid: 'x', tookMs: 2_300 }]);
  });

  it('is not measured by calls that had a response, had timed out, or were made by another coordinator', () => {
    const calls = new Calls().planned(9_000).planned(9_000, saga('y', 1)).planned(9_000, saga('z', 1));
    calls.called(9_900, '01').responded(9_950, '01').called(12_300, '02', OTHER);
    calls.called(8_800, '01', OWN, 'y').called(15_000, '01', OTHER, 'y');
    calls.called(9_900, '01', OTHER, 'z').called(15_000, '01', OTHER, 'z');
    expect(calls.judge([kill]).takeOvers).toEqual([]);
  });

  it('is also measured by the end of the session, whether or not a call was in flight', () => {
    const before = { session: 'n1-a', node: 'n1', startedAtMs: 1_000, seenAtMs: 1_010, untilMs: 12_200 };
    expect(new Calls().judge([kill], [before]).endedSessions).toEqual([{ node: 'n1', tookMs: 2_200 }]);
    expect(new Calls().found([kill], [{ ...before, untilMs: 14_100 }])).toEqual(['slow-take-over n1']);
  });

  it('is measured from the latest crash if the new owner crashes as well', () => {
    const second: Outage = { kind: 'kill', node: undefined, fromMs: 12_000, untilMs: 12_000, backMs: 12_600 };
    const calls = new Calls().planned(9_000).called(9_900, '01').called(14_200, '01', OTHER);
    expect(calls.judge([kill, second]).takeOvers).toEqual([{ node: 'n1', gid: 'x', tookMs: 2_200 }]);
  });

  it('is measured from the end of a disturbance of the database, and not during it', () => {
    const held = {
      kind: 'locked-session',
      fromMs: 12_000,
      untilMs: 13_900,
      backMs: 13_900,
      hits: 1,
      what: '',
    } as const;
    const calls = new Calls().planned(9_000).called(9_900, '01').called(14_200, '01', OTHER);
    expect(calls.judge([kill], [next], [held]).takeOvers).toEqual([{ node: 'n1', gid: 'x', tookMs: 300 }]);
    const longer = { ...held, untilMs: 20_000, backMs: 20_000 };
    expect(calls.judge([kill], [next], [longer]).takeOvers).toEqual([{ node: 'n1', gid: 'x', tookMs: 0 }]);
  });

  it('that takes two seconds longer than the silence limit is a violation', () => {
    const calls = new Calls().planned(9_000).called(9_900, '01').called(14_000, '01', OTHER);
    expect(calls.found([kill])).toEqual(['slow-take-over n1']);
  });
});
