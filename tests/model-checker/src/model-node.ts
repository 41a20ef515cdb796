import type { BranchResult } from '@holdfast/protocol';
import { type BranchRequest, NO_OBSERVER, type TransactionInput } from '@holdfast/core';
import { DEFAULT_ENGINE_OPTIONS } from '@holdfast/core/engine';
import {
  acceptDefinition,
  Calls,
  Claimer,
  Committer,
  Destinations,
  idOf,
  Janitor,
  type Reply,
  type Run,
  type Runs,
  Session,
  Watcher,
  wireRuns,
  WritePath,
  type WriteResult,
} from '@holdfast/core/parts';
import { newTransaction, type TransactionEvent } from '@holdfast/core/patterns';
import type { WriteItem } from '@holdfast/core/store';
import { ManualClock, type ModelTime } from './manual-clock.ts';
import { KEY, RETRY_INTERVAL_MS } from './scenario.ts';
import type { SharedStore } from './shared-store.ts';
import { StorePort } from './store-port.ts';

/** Longer than every other wait of a scenario, so that a lease lapses only by a pause. */
export const SILENCE_MS = 1e11;
const FLUSH_MS = 7;

const OPTIONS = {
  ...DEFAULT_ENGINE_OPTIONS,
  heartbeatMs: SILENCE_MS / 4,
  silenceMs: SILENCE_MS,
  retryIntervalMs: RETRY_INTERVAL_MS,
  timeoutToFailMs: 100_000,
  progressFlushMs: FLUSH_MS,
  alertAfterRetries: 1_000_000,
  maxClaims: 3,
  retentionMs: 0,
};

/** An item that the committer has not completed. */
type Outstanding = Readonly<Record<'item', WriteItem>>;

class CountingCommitter extends Committer {
  readonly outstanding = new Set<Outstanding>();

  override enqueue(item: WriteItem, id: string, persistent: boolean, done: (result: WriteResult) => void): void {
    const one = { item };
    this.outstanding.add(one);
    super.enqueue(item, id, persistent, (result) => {
      this.outstanding.delete(one);
      done(result);
    });
  }
}

export interface NodeDependencies {
  readonly time: ModelTime;
  readonly store: SharedStore;
  /** Called when the node starts a branch call. */
  readonly call: (node: ModelNode, request: BranchRequest) => Promise<BranchResult>;
}

/**
 * One process that runs a coordinator: the engine's real parts, each with a separate clock, so that
 * the explorer chooses every timer.
 */
export class ModelNode {
  readonly name: string;
  readonly port: StorePort;
  readonly clocks: Readonly<Record<'session' | 'committer' | 'runs' | 'claimer' | 'janitor' | 'watcher', ManualClock>>;
  readonly session: Session;
  readonly committer: CountingCommitter;
  readonly runs: Runs;
  readonly #claimer: Claimer;
  readonly #janitor: Janitor;
  readonly #watcher: Watcher;
  /** False once the process has ended. */
  alive = true;

  constructor(name: string, incarnation: number, { time, store, call }: NodeDependencies) {
    this.name = name;
    this.port = new StorePort(store);
    const clock = () => new ManualClock(time);
    this.clocks = {
      session: clock(),
      committer: clock(),
      runs: clock(),
      claimer: clock(),
      janitor: clock(),
      watcher: clock(),
    };
    const quiet = (): void => {};
    let sessions = 0;
    const base = {
      store: this.port.asStore(),
      random: () => 0,
      identities: { newGid: () => 'unused', newSession: () => `${name}${incarnation}.${++sessions}` },
      observer: NO_OBSERVER,
      logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
      alert: quiet,
      caller: {
        call: (request: BranchRequest) => call(this, request),
        destinationOf: () => 'everywhere',
      },
      options: OPTIONS,
    };
    this.session = new Session({
      ...base,
      clock: this.clocks.session,
      onLost: () => this.runs.departures.dropAll(),
      onWentBack: () => Promise.resolve(),
    });
    const { session } = this;
    const writePath = new WritePath({ ...base, clock: this.clocks.committer, node: name });
    this.committer = new CountingCommitter({ ...base, clock: this.clocks.committer, writePath, bounds: OPTIONS });
    this.runs = wireRuns({
      ...base,
      clock: this.clocks.runs,
      session,
      committer: this.committer,
      calls: new Calls({ ...base, clock: this.clocks.runs, destinations: placesFor(time) }),
      onReleased: (dueInMs) => this.#claimer.hint(dueInMs),
      onFinal: quiet,
    });
    this.#claimer = new Claimer({
      ...base,
      clock: this.clocks.claimer,
      session,
      room: () => 100,
      adopt: (limit, claim) => this.runs.adoption.adopt(limit, claim),
    });
    this.#janitor = new Janitor({
      ...base,
      clock: this.clocks.janitor,
      session,
      onReleased: () => this.#claimer.hint(0),
    });
    this.#watcher = new Watcher({
      ...base,
      clock: this.clocks.watcher,
      session,
      runs: () => this.runs.registry.all(),
      reread: (run) => this.runs.reloader.reread(run),
    });
  }

  async start(): Promise<void> {
    await this.session.start();
    this.#janitor.start();
    this.#claimer.start();
    this.#watcher.start();
  }

  /** Ends the process. */
  kill(): void {
    this.alive = false;
    this.port.cut();
  }

  /** The one transaction in this node's memory. */
  get run(): Run | undefined {
    return this.runs.registry.all()[0];
  }

  create(input: TransactionInput, event: TransactionEvent, reply: Reply): void {
    const fresh = newTransaction(KEY, acceptDefinition(input), this.session.nowMs());
    this.runs.commands.create(fresh, '', { event, reply, pattern: input.pattern });
  }

  command(event: TransactionEvent, reply: Reply): void {
    this.runs.commands.command(KEY, { event, reply });
  }

  append(item: Extract<WriteItem, { kind: 'append' }>, done: (result: WriteResult) => void): void {
    this.committer.enqueue(item, idOf(KEY), false, done);
  }

  /** Whether nothing of the transaction is in memory, in doubt, or in flight to the store. */
  get idle(): boolean {
    const { registry, doubts } = this.runs;
    return (
      registry.size === 0 && doubts.size === 0 && this.committer.outstanding.size === 0 && this.port.held.length === 0
    );
  }
}

/** More places than a transaction has calls. */
const placesFor = (time: ModelTime): Destinations =>
  new Destinations({
    maxRunning: 100,
    maxWaiting: 100,
    maxDeferralMs: OPTIONS.maxRetryIntervalMs,
    room: () => 100,
    monotonicMs: () => time.nowMs,
    later: (callback) => void Promise.resolve().then(callback),
  });

/** Whether a timer of the runs is the one that writes progress. */
export const isFlush = (delayMs: number): boolean => delayMs === FLUSH_MS;
