import { isFinal, type Status } from '@holdfast/protocol';
import type { SessionId, StoredTransaction, WriteItem, WriteOutcome } from '@holdfast/core/store';
import type { Counters } from '../counters.ts';
import type { Trace } from '../kernel/trace.ts';
import { type Case, nameOf } from '../parts/case.ts';
import type { Checker } from './checker.ts';
import { reasonIsMissing } from './reasons.ts';
import { SessionWatch } from './session-watch.ts';

interface StoreWatchDependencies {
  readonly checker: Checker;
  readonly trace: Trace;
  readonly counters: Counters;
  readonly maxInProgress: number;
}

const MOVES: Readonly<Record<Status, readonly Status[]>> = {
  prepared: ['submitted', 'aborting', 'succeed', 'failed'],
  submitted: ['aborting', 'succeed', 'failed'],
  aborting: ['failed'],
  succeed: [],
  failed: [],
};

/** Judges every change of the store when it happens. */
export class StoreWatch {
  readonly sessions: SessionWatch;
  readonly #d: StoreWatchDependencies;

  constructor(dependencies: StoreWatchDependencies) {
    this.#d = dependencies;
    this.sessions = new SessionWatch(dependencies);
  }

  written(one: Case, before: StoredTransaction | undefined, item: WriteItem, outcome: WriteOutcome): void {
    const { trace, counters } = this.#d;
    const after = one.record;
    trace.add(
      '',
      nameOf(one.key),
      `store: ${textOf(item)} → ${outcome.kind}${after === undefined ? '' : `, now ${state(after)}`}`,
    );
    if (outcome.kind === 'conflict') counters.count(`${item.kind} conflicts`);
    this.#followsTheContract(one, before, item, outcome);
    this.#moves(one, before);
  }

  claimed(one: Case, before: StoredTransaction | undefined, session: SessionId, nowMs: number): void {
    const { checker, trace, counters } = this.#d;
    const gid = nameOf(one.key);
    trace.add('', gid, `store: claimed by ${session}, now ${one.record === undefined ? 'gone' : state(one.record)}`);
    counters.count('claims');
    const due = before?.dueAtMs ?? Infinity;
    checker.expect(before !== undefined && before.owner === null && due <= nowMs, 'OWN3', gid, () =>
      before === undefined ? `${session} claimed nothing` : `${session} claimed it while it was ${state(before)}`,
    );
    checker.expect(this.sessions.isLiving(session), 'OWN3', gid, () => `${session} claimed it, though it is over`);
    this.#moves(one, before);
  }

  takenOver(one: Case, before: StoredTransaction | undefined): void {
    const gid = nameOf(one.key);
    if (before === undefined || one.record === undefined || before.version === one.record.version) return;
    this.#d.trace.add('', gid, `store: taken over, now ${state(one.record)}`);
    this.#d.counters.count('taken over');
    this.#d.checker.expect(
      before.owner !== null && !this.sessions.isLiving(before.owner),
      'OWN3',
      gid,
      () => `taken over while it was ${state(before)}`,
    );
    this.#moves(one, before);
  }

  madeDue(one: Case, before: StoredTransaction | undefined): void {
    if (before === undefined || one.record === undefined || before.version === one.record.version) return;
    one.madeDue = true;
    this.#d.checker.expect(
      before.owner === null && before.dueAtMs !== null,
      'OWN3',
      nameOf(one.key),
      () => `made due while it was ${state(before)}`,
    );
    this.#moves(one, before);
  }

  purged(one: Case, before: StoredTransaction, olderThanMs: number, nowMs: number): void {
    const { checker, counters, trace } = this.#d;
    const gid = nameOf(one.key);
    one.purged = true;
    counters.count('purged');
    trace.add('', gid, 'store: purged');
    checker.expect(
      isFinal(before.status) && before.finishedAtMs !== null && nowMs - before.finishedAtMs > olderThanMs,
      'ACK3',
      gid,
      () => `purged while it was ${state(before)}`,
    );
    one.record = before;
  }

  /** Rules for every change, whichever call made it. */
  #moves(one: Case, before: StoredTransaction | undefined): void {
    const { checker } = this.#d;
    const after = one.record;
    const gid = nameOf(one.key);
    if (after === undefined) return checker.violate('ACK3', gid, 'the record is gone');
    this.sessions.ownership(gid, before?.owner ?? null, after.owner);
    if (before === undefined) return;
    const entriesKept = before.entries.every(
      (entry, i) => entry === after.entries[i] || entry.key === after.entries[i]?.key,
    );
    checker.expect(entriesKept, 'ACK3', gid, () => 'a registered branch is gone');
    if (before.status === after.status) return;
    checker.expect(
      MOVES[before.status].includes(after.status),
      'DEC1',
      gid,
      () => `${before.status} became ${after.status}`,
    );
    const missing = reasonIsMissing(one, before, after);
    checker.expect(missing === undefined, 'DEC2', gid, () => missing ?? '');
    if (one.acks.has('abort-order') && one.plan.pattern === 'saga')
      checker.expect(after.status !== 'succeed', 'DEC5', gid, () => 'succeeded after an acknowledged order to abort');
  }

  #followsTheContract(one: Case, before: StoredTransaction | undefined, item: WriteItem, outcome: WriteOutcome): void {
    const gid = nameOf(one.key);
    const after = one.record;
    const { checker } = this.#d;
    if (before?.version === after?.version) return;
    if (outcome.kind !== 'applied')
      return checker.violate('OWN2', gid, `a write with the outcome ${outcome.kind} changed the record`);
    checker.expect(
      after?.version === (before?.version ?? 0) + 1,
      'OWN2',
      gid,
      () => `version ${before?.version} became ${after?.version}`,
    );
    if (item.kind === 'insert') checker.expect(before === undefined, 'OWN2', gid, () => 'an insert replaced a record');
    if (item.kind === 'update') {
      checker.expect(
        before?.version === item.expectVersion,
        'OWN2',
        gid,
        () => `a write that expected version ${item.expectVersion} changed version ${before?.version}`,
      );
    }
  }
}

const state = ({ status, version, owner, dueAtMs, claims }: StoredTransaction): string =>
  `${status} v${version}${owner === null ? '' : ` of ${owner}`}${dueAtMs === null ? '' : ' due later'}${claims > 1 ? ` claims ${claims}` : ''}`;

function textOf(item: WriteItem): string {
  switch (item.kind) {
    case 'insert':
      return `insert ${item.status}`;
    case 'update':
      return `update v${item.expectVersion} to ${item.status}`;
    case 'append':
      return `append ${item.entries.map((entry) => entry.key).join(', ')}`;
  }
}
