import { StoreError } from '../../../src/store/index.ts';

/** What a call does instead of returning; `carryOut` makes the call itself. */
export type Sabotage = (carryOut: () => unknown) => unknown;

/** Throws at the nth call of one method of one dependency; counts the calls of all. */
export class Saboteur {
  readonly counts = new Map<string, number>();
  readonly #target: string;
  readonly #nth: number;
  readonly #sabotage: Sabotage;
  /** The call was made, and has thrown. */
  hit = false;

  constructor(target = '', nth = 0, sabotage: Sabotage = throwAtOnce) {
    this.#target = target;
    this.#nth = nth;
    this.#sabotage = sabotage;
  }

  call(name: string, carryOut: () => unknown): unknown {
    const count = (this.counts.get(name) ?? 0) + 1;
    this.counts.set(name, count);
    if (name !== this.#target || count !== this.#nth) return carryOut();
    this.hit = true;
    return this.#sabotage(carryOut);
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
const throwAfterwards = (carryOut: () => unknown): never => {
  carryOut();
  throw new Error('sabotage');
};
const reject = (): Promise<never> => Promise.reject(new Error('sabotage'));
const rejectAfterwards = async (carryOut: () => unknown): Promise<never> => {
  await carryOut();
  throw new Error('sabotage');
};
const unavailable = (): Promise<never> => Promise.reject(new StoreError('unavailable', 'sabotage'));
const rejected = (): Promise<never> => Promise.reject(new StoreError('rejected', 'sabotage'));
const responseLost = async (carryOut: () => unknown): Promise<never> => {
  await carryOut();
  throw new StoreError('outcome_unknown', 'sabotage');
};

const READ = [throwAtOnce, reject, unavailable];
const CHANGE = [...READ, responseLost];

/** The ways in which each method of each dependency fails. */
export const METHODS: Readonly<Record<string, readonly Sabotage[]>> = {
  'store.write': [...CHANGE, rejected],
  'store.get': READ,
  'store.versions': READ,
  'store.list': READ,
  'store.count': READ,
  'store.sessions': READ,
  'store.claimDue': CHANGE,
  'store.makeDue': CHANGE,
  'store.openSession': CHANGE,
  'store.heartbeat': CHANGE,
  'store.endSession': CHANGE,
  'store.takeOver': CHANGE,
  'store.nowMs': READ,
  'store.kvGet': READ,
  'store.kvPut': CHANGE,
  'store.kvDelete': CHANGE,
  'store.kvScan': READ,
  'store.purge': CHANGE,
  'clock.monotonicMs': [throwAtOnce],
  'clock.wallMs': [throwAtOnce],
  'clock.setTimer': [throwAtOnce],
  'clock.endOfTurn': [throwAtOnce],
  random: [throwAtOnce],
  'identities.newGid': [throwAtOnce],
  'identities.newSession': [throwAtOnce],
  'caller.call': [throwAtOnce, reject, rejectAfterwards],
  'caller.destinationOf': [throwAtOnce],
  'logger.info': [throwAtOnce],
  'logger.warn': [throwAtOnce],
  'logger.error': [throwAtOnce],
  alert: [throwAtOnce, reject, rejectAfterwards],
  'observer.branchResponded': [throwAtOnce],
  'observer.batchWritten': [throwAtOnce],
  'observer.transactionFinished': [throwAtOnce],
  'observer.transactionAccepted': [throwAtOnce],
  'observer.claimed': [throwAtOnce],
  'observer.tookOver': [throwAtOnce],
  'observer.storeWentBack': [throwAtOnce],
  'observer.conflicted': [throwAtOnce],
  'observer.alerted': [throwAtOnce],
  'reply.done': [throwAfterwards],
  'reply.failed': [throwAfterwards],
  'write.done': [throwAfterwards],
};
