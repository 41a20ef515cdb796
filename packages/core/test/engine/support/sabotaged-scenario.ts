import { type BranchResult, branchResult, HoldfastError, isFinal, type Status, SUCCESS } from '@holdfast/protocol';
import { encodeAbortOrder, encodeRetryOrder } from '../../../src/codec/entry-codec.ts';
import {
  type BranchRegistration,
  type Entry,
  Engine,
  type Heartbeat,
  MemoryStore,
  type Store,
  type StoredTransaction,
  type TransactionInput,
} from '../../../src/index.ts';
import { ManualClock, settle } from '../../support/manual-clock.ts';
import { Participants } from './participants.ts';
import { ReplyLedger } from './reply-ledger.ts';
import type { Saboteur } from './saboteur.ts';

const context = { principal: 'test', namespace: 'default' };
const BYTES = new Uint8Array(0);
/** Long enough for a session to be lost, its work to be taken over, and every retry. */
const PATIENCE_MS = 60_000;
/** The last of what happens to the node whatever is sabotaged is over. */
const TROUBLE_MS = 4_000;
const STEP_MS = 500;
const ASK_AGAIN_MS = 200;
const ATTEMPTS = 6;
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
 * One node that drives short transactions of every pattern, to each end that they can have. Other nodes leave commands
 * for it, declare its session dead, and its store reports lost writes; then it drains. Whatever a client is refused for
 * a fault, it asks again.
 */
export class Scenario {
  readonly clock = new ManualClock();
  readonly engine: Engine;
  readonly replies: ReplyLedger;
  /** What no single fault may cause. */
  readonly faults: string[] = [];
  readonly #store = new ForgetfulStore(() => 1_700_000_000_000 + this.clock.monotonicMs());
  readonly #participants: Participants;
  /** The end that each transaction is to have; undefined: it depends on what comes first. */
  readonly #ends = new Map<string, 'succeed' | 'failed' | undefined>();
  readonly #branches = new Map<string, readonly string[]>();
  /** Those that are aborted when their client takes too long. */
  readonly #mayExpire = new Set<string>();

  constructor(saboteur: Saboteur) {
    let ids = 0;
    const quiet = (): void => {};
    const around = <T extends object>(name: string, target: T): T => saboteur.around(name, target);
    this.#participants = new Participants(this.clock, (gid) => this.#endWorkflow(gid));
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
          branchAnswered: quiet,
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
  }

  /** Plays everything, after which at most `mayBeParked` are parked; `faults` then has what went wrong. */
  async play(mayBeParked: number): Promise<void> {
    this.#trouble();
    await this.#awaiting(this.#commands());
    await this.#untilIdle();
    await this.#judge(mayBeParked);
    // What is parked was so for the fault alone: an operator's retry brings it to its end.
    const parked = (await this.#records()).filter(({ status }) => !isFinal(status));
    await this.#awaiting(
      Promise.all(parked.map(({ key }) => this.#insist(key.gid, () => this.engine.retryNow(context, key.gid)))),
    );
    await this.#untilIdle();
    await this.#judge(0);
    await this.#awaiting(this.#drain());
    this.faults.push(...this.replies.violations);
  }

  async #commands(): Promise<void> {
    const { engine } = this;
    await this.#insist('start', () => engine.start());
    await this.#insist('topic', () => engine.subscribe(context, { topic: 't', url: 'http://s/t', remark: '' }));
    await Promise.all([this.#sagas(), this.#messages(), this.#registered(), this.#workflows(), this.#questions()]);
  }

  async #sagas(): Promise<void> {
    const urls = { action: 'http://s/a', compensate: 'http://s/c' };
    const saga = (gid: string, end: 'succeed' | 'failed' | undefined, options = {}): Promise<void> =>
      this.#submit({ gid, pattern: 'saga', steps: [urls, urls], payloads: [BYTES, BYTES], options }, end);
    await Promise.all([
      saga('plain', 'succeed'),
      saga('rolled back', 'failed'),
      saga('slow', 'succeed').then(() => this.#insist('wait', () => this.engine.wait(context, 'slow', 10_000))),
      saga('aborted', undefined),
      saga('retried', 'succeed'),
      saga('concurrent', 'succeed', { concurrent: true }),
      saga('awaited', 'succeed', { waitResult: true }),
      this.#stopped(),
    ]);
  }

  /** Nothing of it is undone. */
  async #stopped(): Promise<void> {
    const gid = 'stopped';
    const steps = [{ action: 'http://s/a', compensate: 'http://s/c' }];
    this.#expect(gid, 'failed', []);
    await this.#insist(gid, () => this.engine.submit(context, { gid, pattern: 'saga', steps, payloads: [BYTES] }));
    await this.#insist(gid, () => this.engine.forceStop(context, { gid, reason: 'an operator' }));
  }

  async #messages(): Promise<void> {
    const pattern = 'msg';
    const steps = [{ action: 'http://s/a', compensate: '' }];
    const payloads = [BYTES];
    const asked = { gid: 'asked', pattern, steps, payloads, queryPrepared: 'http://c/q' } as const;
    this.#expect('asked', 'succeed', ['01']);
    await Promise.all([
      this.#submit({ gid: 'message', pattern, steps, payloads }, 'succeed'),
      this.#submit({ gid: 'topic', pattern, steps: [{ action: 'topic://t', compensate: '' }], payloads }, 'succeed'),
      this.#insist('asked', () => this.engine.prepare(context, asked)),
    ]);
  }

  async #registered(): Promise<void> {
    await Promise.all([
      this.#register('tcc', 'tcc', 'succeed'),
      this.#register('cancelled', 'tcc', 'failed'),
      this.#register('xa', 'xa', 'succeed'),
      this.#register('xa rolled back', 'xa', 'failed'),
    ]);
  }

  /** A tcc or xa; without its client, it is aborted when its time is over. */
  async #register(gid: string, pattern: 'tcc' | 'xa', end: 'succeed' | 'failed'): Promise<void> {
    const ops = pattern === 'tcc' ? ['cancel', 'confirm'] : ['rollback', 'commit'];
    const branches = ops.map((op): BranchRegistration => ({
      branchId: '01',
      op,
      url: 'http://s/b',
      payload: BYTES,
      status: 'prepared',
    }));
    this.#expect(gid, end, ['01']);
    this.#mayExpire.add(gid);
    await this.#insist(gid, () => this.engine.prepare(context, { gid, pattern }));
    await this.#insist(gid, () => this.engine.registerBranch(context, { gid, pattern, branches }));
    await this.#insist(gid, () =>
      end === 'succeed'
        ? this.engine.submitPrepared(context, { gid, pattern })
        : this.engine.abort(context, { gid, pattern, reason: 'a try failed' }),
    );
  }

  async #workflows(): Promise<void> {
    for (const [gid, end] of [
      ['w', 'succeed'],
      ['w failed', 'failed'],
    ] as const) {
      this.#expect(gid, end, []);
      const input = { gid, pattern: 'workflow', workflowName: 'transfer', queryPrepared: 'http://c/w' } as const;
      await this.#insist(gid, () => this.engine.prepareWorkflow(context, input));
    }
  }

  async #endWorkflow(gid: string): Promise<BranchResult> {
    const step = { branchId: '01', op: 'action', url: '', payload: BYTES, status: 'succeed' } as const;
    const status = gid === 'w failed' ? 'failed' : 'succeed';
    try {
      await this.engine.registerBranch(context, { gid, pattern: 'workflow', branches: [step] });
      await this.engine.finishWorkflow(context, { gid, status, rollbackReason: '', result: '' });
      return SUCCESS;
    } catch (error) {
      return branchResult('UNKNOWN', String(error));
    }
  }

  async #questions(): Promise<void> {
    const { engine } = this;
    await Promise.all([
      this.#insist('gid', async () => engine.newGid()),
      this.#insist('ready', () => engine.ready()),
      this.#insist('list', () => engine.list(context, { limit: 10 })),
      this.#insist('counts', () => engine.counts(context)),
      this.#insist('nodes', () => engine.nodes()),
      this.#insist('topics', () => engine.scanKeyValues(context, { category: 'topics', limit: 10 })),
      this.#insist('topic', () => engine.queryKeyValue(context, { category: 'topics', key: 't' })),
      this.#insist('waiting', () => engine.retryWaiting(context, { laterThanMs: 0, limit: 10 })),
    ]);
    await this.#insist('topic', () => engine.subscribe(context, { topic: 'other', url: 'http://s/t', remark: '' }));
    await this.#insist('no topic', () => engine.deleteTopic(context, 'other'));
  }

  /** What other nodes and the store do to this one. */
  #trouble(): void {
    const leave = async (gid: string, entry: Entry): Promise<void> => {
      const key = { namespace: 'default', gid };
      await this.#store.write([{ kind: 'append', key, whenStatus: ['submitted'], entries: [entry], maxEntries: 9 }]);
    };
    this.clock.setTimer(500, () => void leave('slow', encodeRetryOrder('another node')));
    this.clock.setTimer(500, () => void leave('aborted', encodeAbortOrder('an operator')));
    this.clock.setTimer(900, () => void this.#store.endSession(this.engine.load().session));
    this.clock.setTimer(TROUBLE_MS - 1_500, () => (this.#store.forgets = true));
  }

  async #submit(input: TransactionInput, end: 'succeed' | 'failed' | undefined): Promise<void> {
    const { gid, steps = [] } = input;
    this.#expect(
      gid,
      end,
      steps.map((_, i) => `0${i + 1}`),
    );
    await this.#insist(gid, () => this.engine.submit(context, input));
  }

  #expect(gid: string, end: 'succeed' | 'failed' | undefined, branchIds: readonly string[]): void {
    this.#ends.set(gid, end);
    this.#branches.set(gid, branchIds);
  }

  /** A client asks again after an error. */
  async #insist(what: string, ask: () => Promise<unknown>): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      try {
        await ask();
        return;
      } catch (error) {
        if (!(error instanceof HoldfastError)) this.faults.push(`${what}: ${String(error)} is not a HoldfastError`);
        else if (error.code === 'refused' || error.code === 'not_found') {
          // The first time, it was carried out and its response lost; or the transaction's time was over before.
          if (attempt === 0) this.faults.push(`${what}: ${error.message}`);
          if (this.#mayExpire.has(what)) this.#ends.set(what, undefined);
          return;
        }
      }
      await new Promise<void>((resolve) => this.clock.setTimer(ASK_AGAIN_MS, resolve));
    }
    this.faults.push(`${what}: was never carried out`);
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
    if (records.length !== this.#ends.size) this.faults.push('a transaction is not there');
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
    const end = this.#ends.get(gid);
    if (end !== undefined && status !== end) this.faults.push(`${gid} is ${status}`);
    for (const fault of this.#participants.faultsOf(gid, status, this.#branches.get(gid) ?? []))
      this.faults.push(`${gid}: ${fault}`);
  }

  async #records(): Promise<readonly StoredTransaction[]> {
    const keys = [...this.#ends.keys()].map((gid) => ({ namespace: 'default', gid }));
    return (await this.#store.get(keys)).filter((record) => record !== undefined);
  }
}
