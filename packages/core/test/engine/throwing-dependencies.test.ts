import { type BranchResult, branchResult, HoldfastError, isFinal, SUCCESS } from '@holdfast/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type BranchRequest,
  type Coordinator,
  Engine,
  MemoryStore,
  type Store,
  StoreError,
  type StoredTransaction,
  type TransactionInput,
} from '../../src/index.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';

/** Long enough for a session to be lost, its work to be taken over, and every retry. */
const PATIENCE_MS = 90_000;
const context = { principal: 'test', namespace: 'default' };
const BYTES = new Uint8Array(0);

/** Throws at the nth call of one method of one dependency; counts the calls of all. */
class Saboteur {
  readonly counts = new Map<string, number>();
  readonly #target: string;
  readonly #nth: number;
  readonly #throwIt: (carryOut: () => unknown) => unknown;
  hit = false;

  constructor(target = '', nth = 0, throwIt: (carryOut: () => unknown) => unknown = throwAtOnce) {
    this.#target = target;
    this.#nth = nth;
    this.#throwIt = throwIt;
  }

  call(name: string, carryOut: () => unknown): unknown {
    const count = (this.counts.get(name) ?? 0) + 1;
    this.counts.set(name, count);
    if (name !== this.#target || count !== this.#nth) return carryOut();
    this.hit = true;
    return this.#throwIt(carryOut);
  }

  around<T extends object>(name: string, target: T): T {
    return new Proxy(target, {
      get: (_, member: string) => {
        const value: unknown = Reflect.get(target, member);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => this.call(`${name}.${member}`, () => value.apply(target, args) as unknown);
      },
    });
  }
}

const throwAtOnce = (): never => {
  throw new Error('sabotage');
};
const reject = (): Promise<never> => Promise.reject(new Error('sabotage'));
const unavailable = (): Promise<never> => Promise.reject(new StoreError('unavailable', 'sabotage'));
const rejected = (): Promise<never> => Promise.reject(new StoreError('rejected', 'sabotage'));
const answerLost = async (carryOut: () => unknown): Promise<never> => {
  await carryOut();
  throw new StoreError('outcome_unknown', 'sabotage');
};

/** A memory store that others may open too, so that nodes need leases and look for changes of each other. */
class SharedStore extends MemoryStore {
  override readonly capabilities = { name: 'memory', durable: false, exclusive: false };
}

class Scenario {
  readonly clock = new ManualClock();
  readonly store = new SharedStore(() => 1_700_000_000_000 + this.clock.monotonicMs());
  readonly engine: Engine;
  readonly gids: string[] = [];

  constructor(saboteur: Saboteur) {
    let sessions = 0;
    let failures = 2;
    const quiet = (): void => {};
    const call = ({ gid, op, branchId }: BranchRequest): Promise<BranchResult> => {
      if (op === 'msg') return Promise.resolve(SUCCESS);
      if (gid === 'rolled back' && op === 'action' && branchId === '02')
        return Promise.resolve(branchResult('FAILURE', 'no'));
      if (gid === 'slow') return new Promise((resolve) => this.clock.setTimer(2_000, () => resolve(SUCCESS)));
      if (gid === 'retried' && failures-- > 0) return Promise.resolve(branchResult('UNKNOWN', 'down'));
      if (gid === 'w') return this.#end();
      return Promise.resolve(SUCCESS);
    };
    const around = <T extends object>(name: string, target: T): T => saboteur.around(name, target);
    this.engine = new Engine(
      {
        store: around<Store>('store', this.store),
        clock: around('clock', this.clock),
        random: () => saboteur.call('random', () => 0) as number,
        identities: around('identities', { newGid: () => 'unused', newSession: () => `A.${++sessions}` }),
        caller: around('caller', { destinationOf: () => 'everywhere', call }),
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
      {
        retryIntervalMs: 1_000,
        timeoutToFailMs: 5_000,
        alertAfterRetries: 1,
        heartbeatMs: 2_000,
        silenceMs: 6_000,
        pollMs: 2_000,
        maxCallsPerDestination: 2,
        retentionMs: 0,
      },
    );
  }

  /** Everything that is asked is asked again until it is done, as a client does. */
  async play(): Promise<void> {
    await this.#insist(() => this.engine.start());
    await this.#insist(() => this.engine.subscribe(context, { topic: 't', url: 'http://s/t', remark: '' }));
    const urls = { action: 'http://s/a', compensate: 'http://s/c' };
    const steps = [urls, urls];
    const payloads = [BYTES, BYTES];
    const saga = (gid: string): TransactionInput => ({ gid, pattern: 'saga', steps, payloads });
    const tcc: TransactionInput = { gid: 'tcc', pattern: 'tcc' };
    const branches = [
      { branchId: '01', op: 'confirm', url: 'http://s/c', payload: BYTES, status: 'prepared' as const },
    ];
    const xaBranches = (['rollback', 'commit'] as const).map((op) => ({
      branchId: '01',
      op,
      url: 'http://s/x',
      payload: BYTES,
      status: 'prepared' as const,
    }));
    const submit = (input: TransactionInput) => this.#command(input.gid, () => this.engine.submit(context, input));
    await Promise.all([
      submit(saga('plain')),
      submit(saga('rolled back')),
      submit(saga('slow')),
      submit(saga('retried')),
      submit({ ...saga('concurrent'), options: { concurrent: true } }),
      submit({ gid: 'message', pattern: 'msg', steps, payloads }),
      submit({ gid: 'topic', pattern: 'msg', steps: [{ action: 'topic://t', compensate: '' }], payloads: [BYTES] }),
      this.#command('asked', () =>
        this.engine.prepare(context, {
          gid: 'asked',
          pattern: 'msg',
          steps,
          payloads,
          queryPrepared: 'http://c/q',
        }),
      ),
      this.#command('tcc', async () => {
        await this.engine.prepare(context, tcc);
        await this.engine.registerBranch(context, { gid: 'tcc', branches });
        await this.engine.submit(context, tcc);
      }),
      this.#command('xa', async () => {
        await this.engine.prepare(context, { gid: 'xa', pattern: 'xa' });
        await this.engine.registerBranch(context, { gid: 'xa', pattern: 'xa', branches: xaBranches });
        await this.engine.submit(context, { gid: 'xa', pattern: 'xa' });
      }),
      submit({ ...saga('awaited'), options: { waitResult: true } }),
      this.#command('w', () =>
        this.engine.prepareWorkflow(context, {
          gid: 'w',
          pattern: 'workflow',
          workflowName: 'transfer',
          queryPrepared: 'http://c/w',
        }),
      ),
    ]);
    await this.clock.advance(PATIENCE_MS);
  }

  async #end(): Promise<BranchResult> {
    const outcome: Parameters<Coordinator['finishWorkflow']>[1] = {
      gid: 'w',
      status: 'succeed',
      rollbackReason: '',
      result: '',
    };
    await this.engine.finishWorkflow(context, outcome).catch(() => {});
    return SUCCESS;
  }

  #command(gid: string, ask: () => Promise<unknown>): Promise<void> {
    this.gids.push(gid);
    return this.#insist(ask);
  }

  async #insist(ask: () => Promise<unknown>): Promise<void> {
    for (let attempt = 0; attempt < 5; attempt++) {
      const state = { isDone: false };
      const asked = ask().then(
        () => true,
        // What was carried out although the response was lost is refused the second time.
        (error: unknown) => error instanceof HoldfastError && error.code === 'refused' && attempt > 0,
      );
      void asked.then(() => (state.isDone = true));
      for (let waited = 0; waited < 20 && !state.isDone; waited++) await this.clock.advance(waited === 0 ? 1 : 1_000);
      if (state.isDone && (await asked)) return;
    }
    throw new Error('the command was never carried out');
  }

  async records(): Promise<StoredTransaction[]> {
    const records = await this.store.get(this.gids.map((gid) => ({ namespace: 'default', gid })));
    return records.filter((record) => record !== undefined);
  }
}

const METHODS: Readonly<Record<string, readonly ((carryOut: () => unknown) => unknown)[]>> = {
  'store.write': [throwAtOnce, reject, unavailable, rejected, answerLost],
  'store.get': [throwAtOnce, unavailable],
  'store.versions': [throwAtOnce, unavailable],
  'store.claimDue': [throwAtOnce, unavailable, answerLost],
  'store.openSession': [throwAtOnce, unavailable],
  'store.heartbeat': [throwAtOnce, unavailable],
  'store.endSession': [throwAtOnce],
  'store.takeOver': [throwAtOnce, unavailable, answerLost],
  'store.nowMs': [throwAtOnce, unavailable],
  'store.kvGet': [throwAtOnce, unavailable],
  'store.kvPut': [throwAtOnce, unavailable, answerLost],
  'clock.monotonicMs': [throwAtOnce],
  'clock.wallMs': [throwAtOnce],
  'clock.setTimer': [throwAtOnce],
  'clock.endOfTurn': [throwAtOnce],
  random: [throwAtOnce],
  'identities.newSession': [throwAtOnce],
  'caller.call': [throwAtOnce, reject],
  'caller.destinationOf': [throwAtOnce],
  'logger.info': [throwAtOnce],
  'logger.warn': [throwAtOnce],
  'logger.error': [throwAtOnce],
  alert: [throwAtOnce, reject],
  'observer.branchAnswered': [throwAtOnce],
  'observer.batchWritten': [throwAtOnce],
  'observer.transactionFinished': [throwAtOnce],
  'observer.transactionAccepted': [throwAtOnce],
  'observer.claimed': [throwAtOnce],
  'observer.tookOver': [throwAtOnce],
  'observer.conflicted': [throwAtOnce],
  'observer.alerted': [throwAtOnce],
};
/** Of methods called more often, calls spread over the run. */
const MOST_CALLS = 24;

describe('a dependency that throws once', () => {
  const escaped: unknown[] = [];
  const keep = (error: unknown): void => void escaped.push(error);
  const calls = new Map<string, number>();

  beforeAll(async () => {
    process.on('unhandledRejection', keep);
    const saboteur = new Saboteur();
    await new Scenario(saboteur).play();
    for (const [name, count] of saboteur.counts) calls.set(name, count);
  });
  afterAll(() => void process.off('unhandledRejection', keep));

  it('meets every dependency in a run without faults, apart from those that only faults call', () => {
    const rare = ['logger.info', 'store.endSession', 'logger.error', 'observer.tookOver', 'observer.conflicted'];
    const unmet = Object.keys(METHODS).filter((name) => !calls.has(name) && !rare.includes(name));
    expect(unmet).toEqual([]);
  });

  it.each(Object.keys(METHODS))(
    '%s: every other transaction finishes, and nothing stays owned or running',
    async (name) => {
      const count = Math.max(calls.get(name) ?? 0, 3);
      const stride = Math.max(1, Math.floor(count / MOST_CALLS));
      for (const throwIt of METHODS[name] ?? []) {
        for (let nth = 1; nth <= count; nth += stride) {
          const at = `${name} #${nth} ${throwIt.name}`;
          const scenario = new Scenario(new Saboteur(name, nth, throwIt));
          await scenario.play().catch((error: unknown) => expect.unreachable(`${at}: ${String(error)}`));
          await settle();
          const records = await scenario.records();
          const unfinished = records.filter(({ status }) => !isFinal(status));
          expect(records.length, at).toBe(scenario.gids.length);
          expect(unfinished.length, `${at}: ${unfinished.map(({ key }) => key.gid).join()}`).toBeLessThanOrEqual(1);
          // Parked, and shown as such.
          for (const { owner, attention, dueAtMs } of unfinished)
            expect({ owner, attention, dueAtMs }, at).toEqual({ owner: null, attention: true, dueAtMs: null });
          expect(scenario.engine.load(), at).toMatchObject({ inProgress: 0, callsRunning: 0, writesQueued: 0 });
          expect(escaped, at).toEqual([]);
        }
      }
    },
    300_000,
  );
});
