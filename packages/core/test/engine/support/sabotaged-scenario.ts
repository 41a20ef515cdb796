import { HoldfastError, isFinal, type Status } from '@holdfast/protocol';
import { encodeAbortCommand, encodeRetryCommand } from '../../../src/codec/entry-codec.ts';
import { Engine } from '../../../src/engine/index.ts';
import { MemoryStore } from '../../../src/memory-store/memory-store.ts';
import type { Entry, Heartbeat, Store, StoredTransaction } from '../../../src/store/index.ts';
import { ManualClock, settle } from '../../support/manual-clock.ts';
import { CONTEXT, InsistentClient } from './insistent-client.ts';
import { Participants } from './participants.ts';
import { ReplyLedger } from './reply-ledger.ts';
import type { Saboteur } from './saboteur.ts';

/** Long enough for a session to be lost, its work to be taken over, and every retry. */
const PATIENCE_MS = 60_000;
/** After this time, all faults that happen in every run have ended. */
const TROUBLE_MS = 4_000;
const STEP_MS = 500;
const OPTIONS = {
  retryIntervalMs: 500,
  timeoutToFailMs: 3_000,
  alertAfterRetries: 1,
  heartbeatMs: 1_000,
  silenceMs: 3_000,
  pollMs: 1_000,
  maxCallsPerDestination: 2,
  retentionMs: 3_600_000,
  maxWaitMs: 5_000,
};

/** A store that can report that it has lost the last heartbeat. */
class ForgetfulStore extends MemoryStore {
  forgets = false;

  override async heartbeat(session: string): Promise<Heartbeat> {
    const beat = await super.heartbeat(session);
    if (!this.forgets) return beat;
    this.forgets = false;
    return { ...beat, lastMs: null };
  }
}

/**
 * One node that drives short transactions of every pattern, to each end that they can have. Other
 * nodes leave commands for it, declare its session dead, and its store reports lost writes; then it
 * drains.
 */
export class Scenario {
  readonly clock = new ManualClock();
  readonly engine: Engine;
  readonly replies: ReplyLedger;
  /** What no single fault may cause. */
  readonly faults: string[] = [];
  readonly #store = new ForgetfulStore(() => 1_700_000_000_000 + this.clock.monotonicMs());
  readonly #participants: Participants;
  readonly #client: InsistentClient;

  constructor(saboteur: Saboteur) {
    let ids = 0;
    const quiet = (): void => {};
    const around = <T extends object>(name: string, target: T): T => saboteur.around(name, target);
    this.#participants = new Participants(this.clock, (gid) => this.#client.endWorkflow(gid));
    this.replies = new ReplyLedger(saboteur);
    this.engine = new Engine(
      {
        store: around<Store>('store', this.#store),
        clock: around('clock', this.clock),
        random: () => saboteur.call('random', () => 0) as number,
        identities: around('identities', { newGid: () => `gid ${++ids}`, newSession: () => `A.${++ids}` }),
        caller: around('caller', this.#participants),
        logger: around('logger', { debug: quiet, info: quiet, warn: quiet, error: quiet }),
        alert: () => saboteur.call('alert', quiet) as void | Promise<void>,
        observer: around('observer', {
          branchResponded: quiet,
          batchWritten: quiet,
          transactionFinished: quiet,
          transactionAccepted: quiet,
          claimed: quiet,
          tookOver: quiet,
          storeWentBack: quiet,
          conflicted: quiet,
          alerted: quiet,
        }),
      },
      OPTIONS,
    );
    this.#client = new InsistentClient(this.engine, this.clock);
  }

  /**
   * Plays everything, after which at most `mayBeParked` are parked; `faults` then has what went
   * wrong.
   */
  async play(mayBeParked: number): Promise<void> {
    this.#trouble();
    await this.#awaiting(this.#client.play());
    await this.#untilIdle();
    await this.#judge(mayBeParked);
    // What is parked was so for the fault alone: an operator's retry brings it to its end.
    const parked = (await this.#records()).filter(({ status }) => !isFinal(status));
    await this.#awaiting(
      Promise.all(parked.map(({ key }) => this.#client.insist(key.gid, () => this.engine.retryNow(CONTEXT, key.gid)))),
    );
    await this.#untilIdle();
    await this.#judge(0);
    await this.#awaiting(this.#drain());
    this.faults.push(...this.#client.faults, ...this.replies.violations);
  }

  /** What other nodes and the store do to this one. */
  #trouble(): void {
    const leave = async (gid: string, entry: Entry): Promise<void> => {
      const key = { namespace: 'default', gid };
      await this.#store.write([{ kind: 'append', key, whenStatus: ['submitted'], entries: [entry], maxEntries: 9 }]);
    };
    this.clock.setTimer(500, () => void leave('slow', encodeRetryCommand('another node')));
    this.clock.setTimer(500, () => void leave('aborted', encodeAbortCommand({ reason: 'an operator' })));
    this.clock.setTimer(900, () => void this.#store.endSession(this.engine.load().session));
    this.clock.setTimer(TROUBLE_MS - 1_500, () => (this.#store.forgets = true));
  }

  /** Moves time until that has settled. */
  async #awaiting(work: Promise<unknown>): Promise<void> {
    const state = { settled: false };
    void work.finally(() => (state.settled = true));
    for (let waitedMs = 0; !state.settled && waitedMs < PATIENCE_MS; waitedMs += STEP_MS)
      await this.clock.advance(STEP_MS);
    if (!state.settled) this.faults.push('a caller waits for ever');
  }

  /** Moves time until every transaction is finished or parked, and the node has nothing to do. */
  async #untilIdle(): Promise<void> {
    const startMs = this.clock.monotonicMs();
    for (;;) {
      const passedMs = this.clock.monotonicMs() - startMs;
      const records = await this.#records();
      const isIdle = records.every(
        ({ status, attention, dueAtMs }) => isFinal(status) || (attention && dueAtMs === null),
      );
      const { inProgress, callsRunning, writesQueued, leaseHeld } = this.engine.load();
      if (isIdle && inProgress + callsRunning + writesQueued === 0 && leaseHeld && this.#isOver()) return;
      if (passedMs > PATIENCE_MS) return void this.faults.push('the node never becomes idle');
      await this.clock.advance(STEP_MS);
    }
  }

  #isOver(): boolean {
    return this.clock.monotonicMs() > new ManualClock().monotonicMs() + TROUBLE_MS;
  }

  async #drain(): Promise<void> {
    try {
      if ((await this.engine.drain(5_000)) > 0) this.faults.push('something was left to drain');
    } catch (error) {
      if (!(error instanceof HoldfastError)) this.faults.push(`drain: ${String(error)} is not a HoldfastError`);
    }
  }

  async #judge(mayBeParked: number): Promise<void> {
    await settle();
    const records = await this.#records();
    const unfinished = records.filter(({ status }) => !isFinal(status));
    if (records.length !== this.#client.ends.size) this.faults.push('a transaction is not there');
    if (unfinished.length > mayBeParked) this.faults.push(`unfinished: ${unfinished.map(({ key }) => key.gid).join()}`);
    for (const { key, owner, attention, dueAtMs } of unfinished)
      if (owner !== null || !attention || dueAtMs !== null) this.faults.push(`${key.gid} is neither driven nor parked`);
    for (const { key, status } of records) if (isFinal(status)) this.#judgeEnd(key.gid, status);
    const { inProgress, callsRunning, writesQueued, waiters, leaseHeld } = this.engine.load();
    const left = { inProgress, callsRunning, writesQueued, waiters };
    if (Object.values(left).some((count) => count > 0)) this.faults.push(`left over: ${JSON.stringify(left)}`);
    if (!leaseHeld) this.faults.push('the node has no session');
  }

  #judgeEnd(gid: string, status: Status): void {
    const end = this.#client.ends.get(gid);
    if (end !== undefined && status !== end) this.faults.push(`${gid} is ${status}`);
    for (const fault of this.#participants.faultsOf(gid, status, this.#client.branches.get(gid) ?? []))
      this.faults.push(`${gid}: ${fault}`);
  }

  async #records(): Promise<readonly StoredTransaction[]> {
    const keys = [...this.#client.ends.keys()].map((gid) => ({ namespace: 'default', gid }));
    return (await this.#store.get(keys)).filter((record) => record !== undefined);
  }
}
