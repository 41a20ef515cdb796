import { type Store, StoreError, type StoredTransaction, type WriteItem } from '@holdfast/core/store';
import type { SharedStore } from './shared-store.ts';

/** The calls that can fail. All others (sessions, heartbeats, takeovers) always succeed. */
export type FaultyCall = 'write' | 'get' | 'claimDue';

/**
 * The fault of a call:
 * - `lost`: applied, but the connection is lost before the response arrives.
 * - `dropped`: the connection is lost before the store receives the call.
 * - `late`: as `dropped`, but the store receives and applies the call at some later moment.
 * - `unavailable`: rejected; nothing is applied.
 * - `rejected`: the call is rejected with nothing applied, even if an earlier attempt was applied
 *   or may arrive late.
 * - `slow`: applied, and the response arrives at some later moment.
 * - `stalled`: applied at some later moment, when the response arrives.
 * - `stale`, `older`: a read that returns the version before the latest one, or the one before
 *   that.
 */
export const FAULTS = {
  write: ['lost', 'dropped', 'late', 'unavailable', 'rejected', 'slow', 'stalled'],
  get: ['unavailable', 'slow', 'stale', 'older'],
  claimDue: ['lost', 'unavailable', 'slow'],
} as const satisfies Readonly<Record<FaultyCall, readonly string[]>>;

export type Fault = (typeof FAULTS)[FaultyCall][number];

/** A call whose response has not arrived. */
export interface Held {
  readonly name: FaultyCall;
  readonly stalled: boolean;
  readonly items: readonly unknown[];
  /** Completes the call and delivers its response. */
  release(): Promise<void>;
}

/** A write that the store may still receive, although its sender has lost the connection. */
export interface Limbo {
  readonly items: readonly unknown[];
  arrive(): Promise<void>;
}

/**
 * One node's connection to the shared store. Every call succeeds at once unless a fault is armed.
 */
export class StorePort {
  readonly held: Held[] = [];
  readonly limbo: Limbo[] = [];
  /** The faulty calls since the last action began. */
  called = new Set<FaultyCall>();
  #armed: { readonly call: FaultyCall; readonly fault: Fault } | undefined;
  #dead = false;
  readonly #store: SharedStore;

  constructor(store: SharedStore) {
    this.#store = store;
  }

  /** Arms a fault for the next call of its kind; undefined: none. */
  arm(armed: { readonly call: FaultyCall; readonly fault: Fault } | undefined): void {
    this.#armed = armed;
    this.called = new Set();
  }

  get armed(): boolean {
    return this.#armed !== undefined;
  }

  /** The process has ended: no call is sent and no response arrives any more. */
  cut(): void {
    this.#dead = true;
    this.held.length = 0;
  }

  asStore(): Store {
    return new Proxy<Store>(this.#store, {
      get: (target, name: keyof Store) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]): Promise<unknown> => {
          if (this.#dead) return new Promise(() => {});
          const carryOut = (): Promise<unknown> => Promise.resolve(member.apply(target, args) as unknown);
          if (name === 'write' || name === 'get' || name === 'claimDue') return this.#call(name, args[0], carryOut);
          return carryOut();
        };
      },
    });
  }

  #call(name: FaultyCall, argument: unknown, carryOut: () => Promise<unknown>): Promise<unknown> {
    this.called.add(name);
    if (this.#armed?.call !== name) return carryOut();
    const { fault } = this.#armed;
    this.#armed = undefined;
    const items = name === 'write' ? (argument as readonly WriteItem[]) : [];
    switch (fault) {
      case 'unavailable':
        return Promise.reject(new StoreError('unavailable', 'connection refused'));
      case 'rejected':
        return Promise.reject(new StoreError('rejected', 'the item cannot be stored'));
      case 'lost':
        return carryOut().then(() => Promise.reject(new StoreError('outcome_unknown', 'connection lost')));
      case 'late':
        this.limbo.push({ items, arrive: () => carryOut().then(() => {}) });
        return Promise.reject(new StoreError('outcome_unknown', 'connection lost'));
      case 'dropped':
        return Promise.reject(new StoreError('outcome_unknown', 'connection lost'));
      case 'slow':
      case 'stalled':
        return this.#hold(name, fault === 'stalled', items, carryOut);
      case 'stale':
        return Promise.resolve([this.#store.earlier[0]] satisfies (StoredTransaction | undefined)[]);
      case 'older':
        return Promise.resolve([this.#store.earlier[1]] satisfies (StoredTransaction | undefined)[]);
    }
  }

  #hold(
    name: FaultyCall,
    stalled: boolean,
    items: readonly unknown[],
    carryOut: () => Promise<unknown>,
  ): Promise<unknown> {
    const early = stalled ? undefined : carryOut();
    return new Promise((resolve) => {
      const held: Held = {
        name,
        stalled,
        items,
        release: async () => {
          this.held.splice(this.held.indexOf(held), 1);
          const value = await (early ?? carryOut());
          if (!this.#dead) resolve(value);
        },
      };
      this.held.push(held);
    });
  }
}
