import { SUCCESS, type BranchResult } from '@holdfast/protocol';
import type { AlertHook, BranchRequest } from '@holdfast/core';
import { Engine, type EngineOptions } from '@holdfast/core/engine';
import { MemoryStore } from '@holdfast/core/memory-store';
import { type ClaimResult, type Store, StoreError, type StoredTransaction } from '@holdfast/core/store';
import type { Domain } from '../../src/kernel/agenda.ts';
import { World } from '../../src/kernel/world.ts';

/** The fate of one call to the store; `carryOut` executes the call. */
type Fate = (carryOut: () => Promise<unknown>, args: readonly unknown[]) => Promise<unknown>;

/** A gate at which code waits until the test opens it. */
export class Gate {
  readonly #waiting: (() => void)[] = [];
  #isOpen = false;

  readonly passed = (): Promise<void> =>
    this.#isOpen ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));

  open(): void {
    this.#isOpen = true;
    for (const resolve of this.#waiting) resolve();
  }
}

export const unavailable: Fate = () => Promise.reject(new StoreError('unavailable', 'connection refused'));
export const doneResponseLost: Fate = async (carryOut) => {
  await carryOut();
  throw new StoreError('outcome_unknown', 'connection lost');
};
/** The call is carried out at once; its response arrives when the gate opens. */
export const respondedAt =
  (gate: Gate): Fate =>
  async (carryOut) => {
    const response = await carryOut();
    await gate.passed();
    return response;
  };
/** Like `respondedAt`, for the claims that take something. */
export const claimsRespondedAt =
  (gate: Gate): Fate =>
  async (carryOut) => {
    const response = (await carryOut()) as ClaimResult;
    if (response.claimed.length > 0) await gate.passed();
    return response;
  };
/** Carried out when the gate opens. */
export const heldUntil =
  (gate: Gate): Fate =>
  async (carryOut) => {
    await gate.passed();
    return carryOut();
  };

/** One coordinator whose store calls and branch results are controlled by the test. */
export interface Actor {
  readonly engine: Engine;
  readonly calls: BranchRequest[];
  /**
   * What the next calls of a store method come to, one after the other; afterwards all goes well.
   */
  next(method: keyof Store, ...fates: Fate[]): void;
  /**
   * Sets the fate of every further call of a store method; undefined restores the normal behaviour.
   */
  always(method: keyof Store, fate: Fate | undefined): void;
  /** Nothing happens to it any more. */
  kill(): void;
}

export const context = { principal: { id: 'test', roles: [] }, namespace: 'default' };

/**
 * A few coordinators over one memory store, in simulated time: a bug that the simulator found,
 * reduced to its steps.
 */
export class Stage {
  readonly world = new World();
  readonly store: MemoryStore;
  /** The results of branches, by `branch op`; all other branches succeed. */
  readonly results = new Map<string, () => Promise<BranchResult>>();
  /** How branches respond by their URL; undefined: by `results`. */
  respond: (request: BranchRequest) => Promise<BranchResult> | undefined = () => undefined;
  destinationOf: (url: string) => string = () => 'everywhere';

  /** False: coordinators are started without a hook. */
  hasAlertHooks = true;
  /** What the alert hook of a coordinator does, by its name; by default it acknowledges. */
  readonly hooks = new Map<string, AlertHook>();

  /** The levels and messages of what was logged. */
  readonly log: {
    readonly level: string;
    readonly fields: Readonly<Record<string, unknown>>;
    readonly message: string;
  }[] = [];

  constructor(createStore = (wallMs: () => number) => new MemoryStore(wallMs)) {
    this.store = createStore(() => 1_700_000_000_000 + this.world.nowMs);
  }

  /** A coordinator that is not started yet. */
  actor(name: string, options: Partial<EngineOptions> = {}): Actor {
    const domain: Domain = { name, state: 'running', held: [] };
    const script = new Script();
    const calls: BranchRequest[] = [];
    let sessions = 0;
    const quiet = (): void => {};
    const engine = new Engine(
      {
        store: script.around(this.store),
        clock: {
          monotonicMs: () => this.world.nowMs,
          wallMs: () => this.world.nowMs,
          setTimer: (delayMs, callback) => this.world.after(delayMs, callback, domain),
          endOfTurn: (callback) => void Promise.resolve().then(callback),
        },
        random: () => 0,
        identities: { newGid: () => 'unused', newSession: () => `${name}.${++sessions}` },
        caller: {
          destinationOf: (url) => this.destinationOf(url),
          call: (request) => {
            calls.push(request);
            const result = this.respond(request) ?? this.results.get(`${request.branchId} ${request.op}`)?.();
            return result ?? Promise.resolve(SUCCESS);
          },
        },
        logger: {
          debug: quiet,
          info: quiet,
          warn: quiet,
          error: (fields, message) => void this.log.push({ level: 'error', fields, message }),
        },
        ...(this.hasAlertHooks && { alert: (alert) => this.hooks.get(name)?.(alert) }),
      },
      { retryIntervalMs: 1_000, timeoutToFailMs: 10_000, retentionMs: 0, ...options },
    );
    return {
      engine,
      calls,
      next: (method, ...fates) => script.next(method, fates),
      always: (method, fate) => script.always(method, fate),
      kill: () => (domain.state = 'dead'),
    };
  }

  /** A coordinator that is up. */
  async started(name: string, options: Partial<EngineOptions> = {}): Promise<Actor> {
    const actor = this.actor(name, options);
    await actor.engine.start();
    await this.pass(1);
    return actor;
  }

  /** Lets so much time pass. */
  pass(durationMs: number): Promise<void> {
    return this.world.run(() => false, this.world.nowMs + durationMs);
  }

  async record(gid: string): Promise<StoredTransaction | undefined> {
    const [record] = await this.store.get([{ namespace: 'default', gid }]);
    return record;
  }
}

export const never = (): Promise<BranchResult> => new Promise(() => {});
export const callsOf = ({ calls }: Actor): string[] => calls.map(({ branchId, op }) => `${branchId} ${op}`);

class Script {
  readonly #next = new Map<string, Fate[]>();
  readonly #always = new Map<string, Fate>();

  next(method: string, fates: Fate[]): void {
    this.#next.set(method, fates);
  }

  always(method: string, fate: Fate | undefined): void {
    if (fate === undefined) this.#always.delete(method);
    else this.#always.set(method, fate);
  }

  around(store: Store): Store {
    return new Proxy(store, {
      get: (target, name: string) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]): Promise<unknown> => {
          const carryOut = (): Promise<unknown> => Promise.resolve(member.apply(target, args) as unknown);
          const fate = this.#next.get(name)?.shift() ?? this.#always.get(name);
          return fate === undefined ? carryOut() : fate(carryOut, args);
        };
      },
    });
  }
}
