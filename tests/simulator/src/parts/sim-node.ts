import { type EngineObserver, type Logger, NO_OBSERVER } from '@holdfast/core';
import { Engine } from '@holdfast/core/engine';
import type { CallWatch } from '../check/call-watch.ts';
import { labelOf } from '../check/call-watch.ts';
import type { Checker } from '../check/checker.ts';
import type { Counters } from '../counters.ts';
import type { Domain, Entry } from '../kernel/agenda.ts';
import type { Random } from '../kernel/random.ts';
import type { Trace } from '../kernel/trace.ts';
import type { World } from '../kernel/world.ts';
import type { Profile } from '../profile.ts';
import type { Network } from './network.ts';
import type { HttpClient, HttpNetwork } from '../http/http-network.ts';
import { GROUP, hosts } from './plan.ts';
import { SimClock } from './sim-clock.ts';
import { StoreLink } from './store-link.ts';
import type { WatchedStore } from './watched-store.ts';

export interface SimNodeDependencies {
  readonly world: World;
  readonly random: Random;
  readonly profile: Profile;
  readonly trace: Trace;
  readonly counters: Counters;
  readonly store: WatchedStore;
  readonly network: Network;
  /** Carries the calls of `http:` URLs; undefined: `network` carries them. */
  readonly http: HttpNetwork | undefined;
  readonly checker: Checker;
  readonly calls: CallWatch;
  readonly isHealed: () => boolean;
}

/**
 * One process that runs a coordinator: the real engine in a simulated environment. A restart is a
 * new object.
 */
export class SimNode {
  readonly name: string;
  readonly domain: Domain;
  readonly engine: Engine;
  readonly link: StoreLink;
  readonly #d: SimNodeDependencies;
  readonly #clock: SimClock;
  readonly #http: HttpClient | undefined;
  readonly #running = new Set<string>();
  #isSuspended = false;
  #wallLaterMs: number | undefined;
  #onResume = (): void => undefined;
  #sessions = 0;
  #gids = 0;

  constructor(name: string, dependencies: SimNodeDependencies) {
    const { world, random, profile, network } = (this.#d = dependencies);
    this.name = name;
    this.domain = { name, state: 'running', held: [] };
    this.#clock = new SimClock(world, random, this.domain);
    this.#http = dependencies.http?.clientOf(this.domain, this.#clock);
    this.link = new StoreLink({ ...dependencies, domain: this.domain });
    this.engine = new Engine(
      {
        store: this.link,
        clock: this.#clock,
        random: random.fork(name).next,
        identities: {
          newGid: () => `${name}-gid-${++this.#gids}`,
          newSession: () => `${name}.${++this.#sessions}`,
        },
        caller: {
          call: (request) => {
            this.#mayThrow('the branch caller', () => this.#d.calls.threw(request));
            return this.#call(network, request);
          },
          destinationOf: (url) => url.split('/', 3).join('/'),
        },
        logger: this.#logger(),
        observer: this.#observer(),
        alert: ({ gid, error }) => {
          this.#mayThrow('the alert hook');
          this.#d.counters.count('alerts');
          this.#d.trace.add(name, gid, `alert: ${error}`);
        },
      },
      { ...profile.options, node: name, groups: hosts(name) ? [GROUP] : [] },
    );
  }

  /** Starts the engine, repeatedly until the store permits it. */
  async start(): Promise<void> {
    const { trace } = this.#d;
    trace.add(this.name, '', 'starts');
    for (;;) {
      try {
        await this.engine.start();
        return trace.add(this.name, '', 'is up');
      } catch (error) {
        trace.add(this.name, '', `cannot start: ${String(error)}`);
        await new Promise<void>((resolve) => this.#clock.setTimer(500, resolve));
      }
    }
  }

  get isUp(): boolean {
    return this.domain.state === 'running' && this.engine.load().leaseHeld;
  }

  /** The process crashes. */
  kill(why: string): void {
    if (this.domain.state === 'dead') return;
    this.#d.trace.add(this.name, '', `dies: ${why}`);
    this.domain.state = 'dead';
    this.domain.held = [];
  }

  /**
   * Stops the process for a while, or suspends the machine, which also stops its monotonic clock.
   */
  pause(durationMs: number): void {
    if (this.domain.state !== 'running') return;
    const { world, trace, random, counters } = this.#d;
    const suspended = random.chance(0.5);
    counters.count(suspended ? 'machines suspended' : 'processes stopped');
    trace.add(this.name, '', `is ${suspended ? 'suspended' : 'paused'} for ${Math.round(durationMs)} ms`);
    this.domain.state = 'paused';
    const pausedAtMs = world.nowMs;
    this.#isSuspended = suspended;
    this.#onResume = () => {
      if (!suspended) return;
      this.#clock.stoodStill(world.nowMs - pausedAtMs);
      // Held events come first.
      world.after(1, () => {
        this.#isSuspended = false;
        if (this.#wallLaterMs !== undefined) this.setWall(this.#wallLaterMs);
        this.#wallLaterMs = undefined;
      });
    };
    world.after(durationMs, () => {
      if (this.domain.state !== 'paused') return;
      trace.add(this.name, '', 'resumes');
      this.resume((held) => (random.chance(0.5) ? held : held.reverse()));
    });
  }

  /**
   * Sets the wall clock of the node's machine to the correct time plus some ms. A suspended
   * machine's clock cannot be set; setting it back by the time of the suspension would hide the
   * suspension.
   */
  setWall(aheadMs: number): void {
    if (this.#isSuspended) {
      this.#wallLaterMs = aheadMs;
      return;
    }
    this.#d.trace.add(this.name, '', `its wall clock is set to ${Math.round(aheadMs)} ms ahead`);
    this.#clock.setWall(aheadMs);
  }

  /** Continues after a pause; harmless without one. `arrange` orders the held events. */
  resume(arrange: (held: Entry[]) => Entry[]): void {
    if (this.domain.state !== 'paused') return;
    this.#onResume();
    this.#d.world.resume(this.domain, arrange);
  }

  async #call(network: Network, request: Parameters<Network['call']>[0]) {
    const { calls, world } = this.#d;
    const { session } = this.engine.load();
    const label = labelOf(session, request, request.op);
    const one = calls.started(session, request, this.#running);
    this.#running.add(label);
    if (one?.plan.killer === request.branchId && one.record !== undefined && !this.#d.isHealed()) {
      this.#d.counters.count('nodes killed by a call');
      world.after(0, () => this.kill(`by its call of ${label}`));
    }
    const result = await (this.#http !== undefined && request.url.startsWith('http:')
      ? this.#http.call(request)
      : network.call(request, this.name, this.domain, this.#clock.rate));
    this.#running.delete(label);
    calls.responded(one, request, result);
    return result;
  }

  /** Simulates bugs in an application's hooks. */
  #mayThrow(who: string, before = (): void => {}): void {
    const { random, profile, counters, isHealed } = this.#d;
    if (profile.thrown === 0 || isHealed() || !random.chance(profile.thrown)) return;
    counters.count('thrown at the engine');
    before();
    throw new Error(`a bug in ${who}`);
  }

  #observer(): EngineObserver {
    const names = Object.keys(NO_OBSERVER) as (keyof EngineObserver)[];
    return Object.fromEntries(
      names.map((name) => [name, () => this.#mayThrow(`the observer's ${name}`)]),
    ) as unknown as EngineObserver;
  }

  #logger(): Logger {
    const { trace, counters } = this.#d;
    const log = (fields: Readonly<Record<string, unknown>>, message: string): void => {
      const { gid = '', ...rest } = fields;
      counters.count(`log: ${message}`);
      // This store loses nothing, so a node that reports a loss is wrong.
      if (message.startsWith('the store has lost')) this.#d.checker.violate('DEF1', String(gid), message);
      trace.add(this.name, String(gid), `log: ${message} ${JSON.stringify(rest)}`);
      this.#mayThrow('the logger');
    };
    return { debug: log, info: log, warn: log, error: log };
  }
}
