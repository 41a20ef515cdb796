import { isFinal, type Status } from '@holdfast/protocol';
import type { BranchRequest } from '@holdfast/core';
import { transactionOf } from '@holdfast/core/engine';
import type { StoredTransaction } from '@holdfast/core/store';
import type { Invariant, Violation } from './invariants.ts';
import type { ModelTime } from './manual-clock.ts';
import type { Participants } from './participants.ts';
import { branchId, OPS, RETRY_INTERVAL_MS, type Scenario, stepsBefore } from './scenario.ts';

/**
 * Reasons for a status to change: requests and results that reached a node, whether or not their
 * callers received a response.
 */
export type Reason =
  | 'submit'
  | 'abort'
  | 'stop'
  | 'failure'
  | 'unsure'
  | 'check success'
  | 'check failure'
  | 'finish succeed'
  | 'finish failed';

/** The diagrams of the patterns; `stop` adds a move from every unfinished status to failed. */
const MOVES: Readonly<Record<Scenario['pattern'], Partial<Readonly<Record<Status, readonly Status[]>>>>> = {
  saga: { prepared: ['submitted'], submitted: ['aborting', 'succeed'], aborting: ['failed'] },
  msg: { prepared: ['submitted', 'failed'], submitted: ['succeed'] },
  tcc: { prepared: ['submitted', 'aborting'], submitted: ['succeed'], aborting: ['failed'] },
  xa: { prepared: ['submitted', 'aborting'], submitted: ['succeed'], aborting: ['failed'] },
  workflow: { prepared: ['succeed', 'failed', 'aborting'], aborting: ['failed'] },
};

const MAX_CLAIMS = 3;
/** The part of the interval in which a heartbeat after another is not stored. */
const SHARE_KEPT_AWAY = 5 / 6;

/**
 * Judges every change of the record, every call and every response, from the participants' point of
 * view.
 */
export class Judge {
  readonly violations: Violation[] = [];
  readonly reasons = new Set<Reason>();
  /** The acknowledgements that callers received. */
  readonly acks = new Set<string>();
  /** Branches whose registration was acknowledged. */
  readonly registered = new Set<string>();
  readonly #scenario: Scenario;
  readonly #participants: Participants;
  readonly #time: ModelTime;
  #requestedAtMs: number | undefined;
  /** When a callback may start, after the last heartbeat that postponed it. */
  #noCallbackBeforeMs = 0;
  /** An operator's command makes a callback due at once. */
  #commanded = false;

  constructor(scenario: Scenario, participants: Participants, time: ModelTime) {
    this.#scenario = scenario;
    this.#participants = participants;
    this.#time = time;
  }

  /**
   * A client requests the transaction: a node counts its timeout from then on, whenever the record
   * is stored.
   */
  requested(): void {
    this.#requestedAtMs ??= this.#time.nowMs;
  }

  /** An operator sends a command. */
  commanded(): void {
    this.#commanded = true;
  }

  /** `session` acknowledged a heartbeat received at that time, with `before` in the store. */
  beat(
    atMs: number,
    session: string,
    before: StoredTransaction | undefined,
    after: StoredTransaction | undefined,
  ): void {
    if (before === undefined || after === undefined) return;
    const isWritten = before.version !== after.version && after.writeId.startsWith(session);
    const mayWrite = !isFinal(before.status) && (before.owner === null || before.owner === session);
    this.#expect(
      !isWritten || mayWrite || before.version + 1 !== after.version,
      'CB2',
      () => `a heartbeat changed a workflow that was ${before.status}, owned by ${before.owner ?? 'no session'}`,
    );
    // A node that is calling the workflow back does not store the heartbeat.
    if (before.owner !== null || after.owner !== null || isFinal(after.status)) return;
    this.#noCallbackBeforeMs = atMs + RETRY_INTERVAL_MS * SHARE_KEPT_AWAY;
  }

  get nowMs(): number {
    return this.#time.nowMs;
  }

  /** For states: how long no callback may start, from now on. */
  get noCallbackMs(): number {
    return this.#commanded ? 0 : Math.max(0, this.#noCallbackBeforeMs - this.#time.nowMs);
  }

  violate(invariant: Invariant, detail: string): void {
    this.violations.push({ invariant, detail });
  }

  #expect(holds: boolean, invariant: Invariant, detail: () => string): void {
    if (!holds) this.violate(invariant, detail());
  }

  changed(before: StoredTransaction | undefined, after: StoredTransaction | undefined): void {
    if (after === undefined) return this.violate('ACK3', 'the record is gone');
    const from = before?.version ?? 0;
    this.#expect(after.version === from + 1, 'OWN2', () => `version ${from} became ${after.version}`);
    if (before === undefined) return;
    this.#expect(
      before.entries.every(({ key }, i) => key === after.entries[i]?.key),
      'ACK3',
      () => 'a registered branch or a command is gone',
    );
    if (after.claims > before.claims && after.writeId === before.writeId)
      this.#expect(before.owner === null, 'OWN3', () => `claimed while owned by ${before.owner ?? ''}`);
    if (before.status === after.status) return;
    const move = `${before.status} became ${after.status}`;
    const isStop = after.status === 'failed' && !isFinal(before.status) && this.reasons.has('stop');
    const moves = MOVES[this.#scenario.pattern][before.status] ?? [];
    // A status in which nothing has to be called becomes final in the same write.
    const allowed = isStop || moves.some((next) => next === after.status || this.#endsAtOnce(next, after.status));
    this.#expect(allowed, 'DEC1', () => move);
    this.#expect(this.#hasReason(before, after), 'DEC2', () => `${move} without a reason`);
    if (after.status === 'succeed' && (this.acks.has('abort') || this.acks.has('stop')))
      this.violate('DEC5', 'it succeeded after an acknowledged command to abort or stop');
  }

  /**
   * Whether nothing has to be called in `status`, so that the same write finishes the transaction
   * as `final`.
   */
  #endsAtOnce(status: Status, final: Status): boolean {
    return MOVES[this.#scenario.pattern][status]?.includes(final) === true && isFinal(final);
  }

  #hasReason(before: StoredTransaction, after: StoredTransaction): boolean {
    const { reasons } = this;
    if (reasons.has('stop') && after.status === 'failed') return true;
    switch (this.#scenario.pattern) {
      case 'saga':
        if (before.status === 'prepared' || after.status !== 'aborting') return true;
        return this.#isLate() || ['failure', 'unsure', 'abort'].some((why) => reasons.has(why as Reason));
      case 'tcc':
      case 'xa':
        if (before.status !== 'prepared') return true;
        if (after.status === 'submitted') return reasons.has('submit');
        return reasons.has('abort') || this.#isLate();
      case 'msg':
        if (after.status === 'submitted') return reasons.has('submit') || reasons.has('check success');
        return after.status !== 'failed' || (before.status === 'prepared' && reasons.has('check failure'));
      case 'workflow':
        if (after.status === 'aborting') return reasons.has('abort');
        return reasons.has(after.status === 'succeed' ? 'finish succeed' : 'finish failed');
    }
  }

  /** Whether the timeout has expired: the scenario's, or the default one of TCC and XA. */
  #isLate(): boolean {
    const timeoutMs = this.#scenario.timeoutToFailMs ?? (this.#scenario.pattern === 'saga' ? Infinity : 100_000);
    return this.#time.nowMs >= (this.#requestedAtMs ?? 0) + timeoutMs;
  }

  /**
   * A node starts a call. `running`: the calls that this session is already making, as `branch op`.
   */
  called(
    session: string,
    { branchId: id, op }: BranchRequest,
    record: StoredTransaction | undefined,
    running: readonly string[],
  ): void {
    const what = `${id} ${op} is called by ${session}`;
    if (record === undefined) return this.violate('DEC4', `${what}, but nothing is stored`);
    if (id === '00') {
      this.#expect(this.noCallbackMs === 0, 'CB1', () => `called back ${this.noCallbackMs} ms too early`);
      return;
    }
    const { undo, forward } = OPS[this.#scenario.pattern];
    this.#participants.of(id).sent.add(op);
    if (this.reasons.has('stop')) return;
    this.#expect(
      record.owner === session,
      'OWN1',
      () => `${what}, but the record is owned by ${record.owner ?? 'no session'}`,
    );
    this.#expect(record.claims <= MAX_CLAIMS, 'OWN6', () => `${what} after ${record.claims} claims`);
    const needed = op === undo ? 'aborting' : 'submitted';
    this.#expect(
      record.status === needed,
      op === undo ? 'DEC3' : 'DEC4',
      () => `${what}, but the record is ${record.status}`,
    );
    this.#expect(!running.includes(`${id} ${op}`), 'OWN7', () => `${what} while the same call is running`);
    if (op === undo)
      this.#expect(!running.includes(`${id} ${forward}`), 'OWN7', () => `${what} while its ${forward} is running`);
    this.#inOrder(id, op, what, record);
  }

  #inOrder(id: string, op: string, what: string, record: StoredTransaction): void {
    const { pattern } = this.#scenario;
    const { undo } = OPS[pattern];
    const others =
      pattern === 'saga' || pattern === 'msg'
        ? this.#stepsAround(id, op === undo)
        : registeredAround(record, id, op, pattern === 'tcc');
    for (const other of others) {
      const facts = this.#participants.of(other);
      const through = facts.completed.has(op) || (pattern === 'saga' && op === undo && !facts.sent.has('action'));
      this.#expect(through, 'EFF4', () => `${what} before ${other} is through`);
    }
  }

  /** Forward: the previous steps; backward: the later ones. */
  #stepsAround(id: string, backward: boolean): string[] {
    const index = Number(id) - 1;
    if (!backward) return stepsBefore(this.#scenario, index).map(branchId);
    return Array.from({ length: this.#scenario.branches }, (_, i) => i)
      .filter((i) => stepsBefore(this.#scenario, i).includes(index))
      .map(branchId);
  }

  /** A caller is notified that the requested change is durable. */
  acknowledged(
    what: 'prepare' | 'submit' | 'abort' | 'stop' | 'retry' | 'finish succeed' | 'finish failed' | 'heartbeat',
    record: StoredTransaction | undefined,
  ): void {
    this.acks.add(what);
    const status = record?.status;
    if (status === undefined) return this.violate('ACK1', `${what} was acknowledged, but nothing is stored`);
    const command = record?.entries.some(({ key }) => key.startsWith('order:')) === true;
    const fits: Readonly<Record<string, boolean>> = {
      prepare: true,
      heartbeat: true,
      retry: true,
      submit: status !== 'prepared',
      abort:
        status === 'aborting' ||
        status === 'failed' ||
        (this.#scenario.pattern === 'saga' && status === 'submitted' && command),
      stop: status === 'failed',
      'finish succeed': status === 'succeed',
      'finish failed': status === 'failed',
    };
    this.#expect(
      fits[what] === true,
      what === 'stop' ? 'DEC5' : 'ACK1',
      () => `${what} was acknowledged, but the record is ${status}`,
    );
  }

  branchAcknowledged(id: string, record: StoredTransaction | undefined): void {
    this.registered.add(id);
    const stored = record?.entries.some(({ key }) => key.startsWith(`branch:${id}:`)) === true;
    this.#expect(stored, 'ACK1', () => `the registration of ${id} was acknowledged, but is not stored`);
  }

  /** Checks the participants' data in this state. */
  judgeEffects(record: StoredTransaction | undefined): void {
    if (record === undefined || !isFinal(record.status) || this.reasons.has('stop')) return;
    const succeeded = record.status === 'succeed';
    const { pattern, branches } = this.#scenario;
    if (pattern === 'msg')
      this.#expect(
        this.#scenario.direct === true ? succeeded : succeeded === this.#participants.localCommitted,
        'EFF5',
        () =>
          `${record.status}, but the local transaction was ${this.#participants.localCommitted ? '' : 'not '}committed`,
      );
    if (succeeded && (pattern === 'saga' || pattern === 'msg' || pattern === 'workflow'))
      for (let i = 0; i < branches; i++) this.#wholeOnce(branchId(i));
    for (const [id, facts] of this.#participants.facts) {
      const { confirm, undo } = OPS[pattern];
      if (confirm !== '' && facts.sent.has(confirm) && facts.sent.has(undo))
        this.violate('EFF3', `${id} received both ${confirm} and ${undo}`);
      if (!succeeded && pattern === 'saga')
        this.#expect(
          !facts.sent.has('action') || facts.completed.has('compensate'),
          'EFF2',
          () => `failed, but ${id} was called and never compensated`,
        );
      if (!succeeded && pattern !== 'msg')
        this.#expect(
          facts.did === facts.undid || ((pattern === 'tcc' || pattern === 'xa') && !this.#isRegistered(record, id)),
          'EFF2',
          () => `failed, but ${id} was done ${facts.did} times and undone ${facts.undid} times`,
        );
    }
    if (pattern === 'tcc' || pattern === 'xa') this.#judgeRegistered(record, succeeded);
  }

  #isRegistered({ entries }: StoredTransaction, id: string): boolean {
    return entries.some(({ key }) => key.startsWith(`branch:${id}:`));
  }

  #wholeOnce(id: string): void {
    const { did, undid, sent } = this.#participants.of(id);
    this.#expect(did === 1, 'EFF1', () => `succeed, but the effect of ${id} is there ${did} times`);
    this.#expect(undid === 0 && !sent.has('compensate'), 'EFF1', () => `succeed, but ${id} was undone`);
  }

  #judgeRegistered(record: StoredTransaction, succeeded: boolean): void {
    const { confirm, undo } = OPS[this.#scenario.pattern];
    const op = succeeded ? confirm : undo;
    for (const { branchId: id } of transactionOf(record).registered)
      this.#expect(
        this.#participants.of(id).completed.has(op),
        'EFF3',
        () => `${record.status}, but the registered ${id} never received ${op}`,
      );
    for (const id of this.registered)
      this.#expect(this.#isRegistered(record, id), 'EFF3', () => `the acknowledged registration of ${id} is gone`);
  }
}

/** TCC proceeds from the newest branch to the oldest, XA from the oldest to the newest. */
function registeredAround({ entries }: StoredTransaction, id: string, op: string, newestFirst: boolean): string[] {
  const ids = entries.flatMap(({ key }) => (key.endsWith(`:${op}`) ? [key.split(':')[1] ?? ''] : []));
  const place = ids.indexOf(id);
  return newestFirst ? ids.slice(place + 1) : ids.slice(0, place);
}
