import {
  type Store,
  type StoreCapabilities,
  StoreError,
  type StoreErrorCode,
  type WriteItem,
  type WriteOutcome,
} from '@holdfast/core/store';
import type { Counters } from '../counters.ts';
import type { Domain } from '../kernel/agenda.ts';
import type { Random } from '../kernel/random.ts';
import type { Trace } from '../kernel/trace.ts';
import type { World } from '../kernel/world.ts';
import type { Profile } from '../profile.ts';
import type { WatchedStore } from './watched-store.ts';

interface StoreLinkDependencies {
  readonly world: World;
  readonly random: Random;
  readonly profile: Profile;
  readonly trace: Trace;
  readonly counters: Counters;
  readonly store: WatchedStore;
  readonly domain: Domain;
  readonly isHealed: () => boolean;
}

/**
 * The fate of a call to the store. `late`: executed after the caller has received an error with
 * unknown outcome.
 */
type Fate = 'done' | 'unavailable' | 'odd' | 'done, response lost' | 'lost' | 'late';

/** Read-only calls: their outcome is never unknown. */
const READS = new Set(['get', 'versions', 'list', 'count', 'nowMs', 'sessions', 'kvGet', 'kvScan']);

const LONGEST_LATE_MS = 20_000;

/** Codes for which this store has no reason; a node must survive them. */
const ODD: readonly StoreErrorCode[] = ['closed', 'locked', 'invalid', 'unsupported_format'];

/**
 * One node's connection to the store: slow, sometimes broken. A call in flight when the connection
 * breaks may be executed at once, later, or never. A dead node receives nothing any more, a paused
 * one only after its pause.
 */
export class StoreLink implements Store {
  readonly capabilities: StoreCapabilities;
  readonly #d: StoreLinkDependencies;
  #downUntilMs = 0;
  /** Whether the store rejects a write always, by write ID. */
  readonly #rejected = new Map<string, boolean>();
  /** Whether a write breaks the connection each time, by write ID. */
  readonly #poisonous = new Map<string, boolean>();

  constructor(dependencies: StoreLinkDependencies) {
    this.#d = dependencies;
    this.capabilities = { name: 'simulated', durable: true, exclusive: dependencies.profile.exclusive };
  }

  /** No call gets through for a while. */
  takeDown(durationMs: number): void {
    this.#downUntilMs = this.#d.world.nowMs + durationMs;
  }

  #call<T>(name: string, carryOut: (store: Store) => Promise<T>): Promise<T> {
    const { world, domain, counters, trace } = this.#d;
    const fate = this.#fate(name);
    if (fate !== 'done') {
      counters.count(`store ${fate}`);
      trace.add(domain.name, '', `${name}: ${fate}`);
    }
    return new Promise<T>((resolve, reject) => {
      const settle = (how: () => void): void => void world.after(this.#latencyMs(), how, domain);
      const fail = (code: StoreErrorCode): void =>
        settle(() => reject(new StoreError(code, `${name}: ${TEXTS[code] ?? `store error ${code}`}`)));
      const arrive = (delayMs: number, then: (result: Promise<T>) => void): void => {
        world.after(delayMs, () => {
          // A call that a dying process has not sent never arrives.
          if (domain.state === 'dead' && this.#d.random.chance(0.5)) return;
          then(carryOut(this.#d.store));
        });
      };
      switch (fate) {
        case 'done':
          return arrive(
            this.#latencyMs(),
            (result) =>
              void result.then(
                (value) => settle(() => resolve(value)),
                (error: unknown) => settle(() => reject(error instanceof Error ? error : new Error(String(error)))),
              ),
          );
        case 'unavailable':
          return fail('unavailable');
        case 'odd':
          return fail(this.#d.random.pick(ODD));
        case 'done, response lost':
          return arrive(
            this.#latencyMs(),
            (result) =>
              void result.then(
                () => fail('outcome_unknown'),
                () => fail('outcome_unknown'),
              ),
          );
        case 'lost':
          return fail('outcome_unknown');
        case 'late':
          fail('outcome_unknown');
          return arrive(this.#d.random.between(0, LONGEST_LATE_MS), (result) => void result.catch(() => {}));
      }
    });
  }

  #fate(name: string): Fate {
    const { world, random, profile, isHealed } = this.#d;
    if (isHealed()) return 'done';
    const isRead = READS.has(name);
    if (world.nowMs < this.#downUntilMs) return isRead || random.chance(0.9) ? 'unavailable' : 'lost';
    if (random.chance(profile.store.unavailable)) return 'unavailable';
    if (random.chance(profile.store.odd)) return 'odd';
    if (isRead || !random.chance(profile.store.outcomeUnknown)) return 'done';
    return random.weighted({ 'done, response lost': 3, lost: 1, late: 1 });
  }

  #isRejected(item: WriteItem): boolean {
    return this.#isMarked(item, this.#rejected, 'rejected');
  }

  /** An item has the same fate in every batch. */
  #isMarked(item: WriteItem, marks: Map<string, boolean>, fault: 'rejected' | 'poisonous'): boolean {
    const { random, profile, isHealed, counters } = this.#d;
    if (isHealed() || profile.store[fault] === 0) return false;
    const id = idOfWrite(item);
    const known = marks.get(id);
    if (known !== undefined) return known;
    const marked = random.chance(profile.store[fault]);
    marks.set(id, marked);
    if (marked) counters.count(`store ${fault}`);
    return marked;
  }

  #write(batch: readonly WriteItem[]): Promise<WriteOutcome[]> {
    const { world, domain, random, profile, counters } = this.#d;
    if (batch.some((item) => this.#isRejected(item)))
      return this.#call('write', () => Promise.reject(new StoreError('rejected', 'write: one item cannot be stored')));
    if (batch.some((item) => this.#isMarked(item, this.#poisonous, 'poisonous')))
      return new Promise((_resolve, reject) => {
        const error = new StoreError('outcome_unknown', 'write: connection lost');
        world.after(this.#latencyMs(), () => reject(error), domain);
      });
    const result = this.#call('write', (store) => store.write(batch));
    if (profile.store.rejected === 0) return result;
    return result.catch((error: unknown) => {
      // The write may have been applied, and its repetition is still rejected.
      const isDoubtful = error instanceof StoreError && error.code === 'outcome_unknown';
      for (const item of isDoubtful ? batch : [])
        if (random.chance(REJECTED_AFTERWARDS)) {
          counters.count('store rejected in doubt');
          this.#rejected.set(idOfWrite(item), true);
        }
      throw error;
    });
  }

  #latencyMs(): number {
    const { random, profile, isHealed } = this.#d;
    const latencyMs = random.delayMs(profile.store.latencyMs);
    // Sometimes something stalls: a vacuum, a failing disk, a lost packet.
    return !isHealed() && !profile.exclusive && random.chance(0.01)
      ? latencyMs + random.between(100, 4_000)
      : latencyMs;
  }

  readonly open: Store['open'] = () => Promise.resolve({ found: 1, current: 1 });
  readonly close: Store['close'] = () => Promise.resolve();
  readonly write: Store['write'] = (batch) => this.#write(batch);
  readonly get: Store['get'] = (keys) => {
    const { random, profile, isHealed, counters } = this.#d;
    if (isHealed() || !random.chance(profile.store.stale)) return this.#call('get', (store) => store.get(keys));
    counters.count('stale reads');
    return this.#call('get', () => this.#d.store.getOlder(keys, (versions) => random.int(0, versions - 1)));
  };
  readonly versions: Store['versions'] = (keys) => this.#call('versions', (store) => store.versions(keys));
  readonly list: Store['list'] = (query) => this.#call('list', (store) => store.list(query));
  readonly count: Store['count'] = (namespace) => this.#call('count', (store) => store.count(namespace));
  readonly claimDue: Store['claimDue'] = (request) => this.#call('claimDue', (store) => store.claimDue(request));
  readonly makeDue: Store['makeDue'] = (request) => this.#call('makeDue', (store) => store.makeDue(request));
  readonly openSession: Store['openSession'] = (session, info) =>
    this.#call('openSession', (store) => store.openSession(session, info));
  readonly heartbeat: Store['heartbeat'] = (session) => this.#call('heartbeat', (store) => store.heartbeat(session));
  readonly endSession: Store['endSession'] = (session) =>
    this.#call('endSession', (store) => store.endSession(session));
  readonly takeOver: Store['takeOver'] = (request) => this.#call('takeOver', (store) => store.takeOver(request));
  readonly sessions: Store['sessions'] = () => this.#call('sessions', (store) => store.sessions());
  readonly kvGet: Store['kvGet'] = (id) => this.#call('kvGet', (store) => store.kvGet(id));
  readonly kvPut: Store['kvPut'] = (id, value, expectVersion) =>
    this.#call('kvPut', (store) => store.kvPut(id, value, expectVersion));
  readonly kvDelete: Store['kvDelete'] = (id, expectVersion) =>
    this.#call('kvDelete', (store) => store.kvDelete(id, expectVersion));
  readonly kvScan: Store['kvScan'] = (query) => this.#call('kvScan', (store) => store.kvScan(query));
  readonly purge: Store['purge'] = (request) => this.#call('purge', (store) => store.purge(request));
  readonly nowMs: Store['nowMs'] = () => this.#call('nowMs', (store) => store.nowMs());
}

const REJECTED_AFTERWARDS = 0.2;

const idOfWrite = (item: WriteItem): string =>
  item.kind === 'append' ? item.entries.map(({ key }) => key).join() : item.writeId;

const TEXTS: Partial<Readonly<Record<StoreErrorCode, string>>> = {
  unavailable: 'connection refused',
  outcome_unknown: 'connection lost',
};
