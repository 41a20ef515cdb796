import { type BranchResult, isFinal, type ResultKind } from '@holdfast/protocol';
import { decodeState, encodeState } from '../../../src/codec/state-codec.ts';
import {
  assemble,
  type Definition,
  type Effects,
  isRefusal,
  newTransaction,
  type Policy,
  type RegisteredBranch,
  step,
  type Transaction,
  type TransactionEvent,
  withRegistered,
} from '../../../src/patterns/index.ts';
import { CREATED_AT_MS, KEY, POLICY } from './definitions.ts';

/**
 * One step as it was taken, with what the outside world knows and the transaction may have
 * forgotten.
 */
export interface Observation {
  readonly event: TransactionEvent;
  readonly before: Transaction;
  readonly after: Transaction;
  readonly effects: Effects;
  readonly nowMs: number;
  readonly world: World;
}

/** The events and calls that happened, independent of crashes. */
export interface World {
  /** Ops that were ever called, without those of the current step. */
  readonly called: Set<number>;
  /** A node crashed while it drove the transaction. */
  crashed: boolean;
  /** An operator force-stopped the transaction. */
  stopped: boolean;
  submittedAtMs: number | undefined;
  /** An operator or a client requested an attempt now. */
  pushed: boolean;
  registrations: number;
}

interface Stored {
  readonly state: Uint8Array;
  readonly owned: boolean;
  readonly claims: number;
  readonly dueAtMs: number | null;
}

/**
 * The smallest engine that keeps the contract of the pure patterns: one transaction, a record with
 * the persisted state, and a node that may crash. Like the real engine, it releases a transaction
 * without running calls, and claims the transaction when it is due.
 */
export class Model {
  nowMs = CREATED_AT_MS;
  /** For jitter. */
  random = 0;
  readonly world: World = {
    called: new Set(),
    crashed: false,
    stopped: false,
    submittedAtMs: undefined,
    pushed: false,
    registrations: 0,
  };
  /** The alert hook works. */
  acknowledges = true;
  readonly alerts: NonNullable<Effects['alert']>[] = [];
  readonly definition: Definition;
  readonly #policy: Policy;
  readonly #observe: (observation: Observation) => void;
  #registered: readonly RegisteredBranch[] = [];
  #stored: Stored | undefined;
  #memory: Transaction | undefined;
  #timerAtMs: number | null = null;

  constructor(definition: Definition, observe: (observation: Observation) => void = () => {}, policy: Policy = POLICY) {
    this.definition = definition;
    this.#observe = observe;
    this.#policy = policy;
  }

  /** The transaction as the node that drives it has it, else as stored. */
  get transaction(): Transaction {
    return this.#memory ?? this.#load();
  }

  get status(): string {
    return this.transaction.state.status;
  }

  /** Ops being called, such as `01 action`. */
  get running(): string[] {
    return this.transaction.running.map((index) => this.#name(index));
  }

  get isChecking(): boolean {
    return this.transaction.checking;
  }

  /** When the next event without an outside cause happens; null: never. */
  get nextAtMs(): number | null {
    return this.#memory === undefined ? (this.#stored?.dueAtMs ?? null) : this.#timerAtMs;
  }

  /** How long until then. */
  get nextInMs(): number | null {
    return this.nextAtMs === null ? null : this.nextAtMs - this.nowMs;
  }

  /** Delivers an event; returns the reason if it is rejected. */
  deliver(event: TransactionEvent): string | undefined {
    const before = this.transaction;
    const stepped = step(before, event, { nowMs: this.nowMs, random: this.random, policy: this.#policy });
    if (isRefusal(stepped)) return stepped.refusal;
    const { transaction, effects } = stepped;
    this.#note(event, before, transaction);
    this.#observe({ event, before, after: transaction, effects, nowMs: this.nowMs, world: this.world });
    if (effects.alert !== undefined) this.alerts.push(effects.alert);
    for (const index of effects.calls) this.world.called.add(index);
    const busy = transaction.running.length > 0 || transaction.checking;
    const hold = busy && !isFinal(transaction.state.status);
    if (effects.persist === 'wait' || hold !== (this.#stored?.owned ?? false))
      this.#store(transaction, hold, effects.wakeAtMs);
    this.#memory = hold ? transaction : undefined;
    this.#timerAtMs = hold ? effects.wakeAtMs : null;
    if (effects.alert !== undefined && this.acknowledges) this.deliver({ kind: 'alerted' });
    return undefined;
  }

  /** Ends a call in flight of an op, such as `01 action`, with a result. */
  respond(name: string, kind: ResultKind = 'SUCCESS', reason = ''): void {
    const branch = this.transaction.running.find((index) => this.#name(index) === name);
    if (branch === undefined) throw new Error(`${name} is not running; ${this.running.join(', ')}`);
    this.respondWith(branch, { kind, reason });
  }

  respondWith(branch: number, result: BranchResult): void {
    this.deliver({ kind: 'responded', branch, result, durationMs: 1 });
  }

  /** An op was not called for want of room. */
  defer(...calls: readonly (number | 'check')[]): void {
    const result = { kind: 'UNKNOWN', reason: 'queue full', deferred: true } as const;
    this.deliver({ kind: 'deferred', calls, result, againInMs: 1_000 });
  }

  /** Ends a check-back or callback with the client's result. */
  reply(kind: ResultKind, reason = ''): void {
    this.deliver({ kind: 'checked', result: { kind, reason }, durationMs: 1 });
  }

  register(branchId: string, ...ops: readonly string[]): void {
    this.#register(branchId, ops, 'prepared');
  }

  /** As a workflow's code does. */
  record(branchId: string, op: string): void {
    this.#register(branchId, [op], 'succeed');
  }

  #register(branchId: string, ops: readonly string[], status: RegisteredBranch['status']): void {
    const branches = ops.map((op) => ({
      branchId,
      op,
      url: `http://b/${branchId}/${op}`,
      payload: new Uint8Array(0),
      status,
      createdAtMs: this.nowMs,
    }));
    this.world.registrations++;
    this.#registered = [...this.#registered, ...branches];
    if (this.#memory !== undefined) this.#memory = withRegistered(this.#memory, this.#registered);
  }

  /** Time passes; what is due happens at the end of it. */
  wait(ms: number): void {
    this.nowMs += ms;
    if (this.nextAtMs !== null && this.nextAtMs <= this.nowMs) this.#wake();
  }

  /** Waits for what happens next. False: nothing does. */
  waitForNext(): boolean {
    if (this.nextAtMs === null) return false;
    this.wait(Math.max(0, this.nextAtMs - this.nowMs));
    return true;
  }

  /** An operator makes the waiting record due: it is claimed before anything in it is. */
  makeDue(): boolean {
    if (this.#memory !== undefined || this.nextAtMs === null) return false;
    this.world.pushed = true;
    this.#claim();
    return true;
  }

  /**
   * The node crashes; `kept`: its progress was flushed before. Another node takes over, after
   * `vanished` further nodes that crashed, too.
   */
  crash(kept: boolean, vanished = 0): boolean {
    if (this.#memory === undefined || this.#stored === undefined) return false;
    if (kept) this.#store(this.#memory, true, null);
    this.#memory = undefined;
    this.#timerAtMs = null;
    this.world.crashed = true;
    this.#stored = { ...this.#stored, claims: this.#stored.claims + vanished };
    this.#claim();
    return true;
  }

  #wake(): void {
    if (this.#memory === undefined) this.#claim();
    else this.deliver({ kind: 'timer' });
  }

  #claim(): void {
    if (this.#stored === undefined) throw new Error('nothing is stored');
    const claims = this.#stored.claims + 1;
    this.#stored = { ...this.#stored, owned: true, claims, dueAtMs: null };
    this.deliver({ kind: 'resumed', claims });
  }

  #store(transaction: Transaction, owned: boolean, dueAtMs: number | null): void {
    this.#stored = {
      state: encodeState(transaction.state),
      owned,
      claims: owned ? 1 : 0,
      dueAtMs: owned ? null : dueAtMs,
    };
  }

  #load(): Transaction {
    if (this.#stored === undefined) return newTransaction(KEY, this.definition, CREATED_AT_MS);
    return assemble(KEY, this.definition, CREATED_AT_MS, this.#registered, decodeState(this.#stored.state));
  }

  #note(event: TransactionEvent, before: Transaction, after: Transaction): void {
    if (event.kind === 'stop') this.world.stopped = true;
    if (event.kind === 'retry' || (event.kind === 'abort' && event.byOperator)) this.world.pushed = true;
    if (before.state.status === 'prepared' && after.state.status === 'submitted') this.world.submittedAtMs = this.nowMs;
  }

  #name(index: number): string {
    const branch = this.transaction.branches[index];
    return `${branch?.branchId} ${branch?.op}`;
  }
}
