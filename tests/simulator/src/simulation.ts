import { AckWatch } from './check/ack-watch.ts';
import { CallWatch } from './check/call-watch.ts';
import { Checker } from './check/checker.ts';
import type { Violation } from './check/invariants.ts';
import { HeartbeatWatch } from './check/heartbeat-watch.ts';
import { judgeAll } from './check/judge-all.ts';
import { StoreWatch } from './check/store-watch.ts';
import { Crowd } from './clients/crowd.ts';
import { Counters } from './counters.ts';
import { HttpNetwork } from './http/http-network.ts';
import { Random } from './kernel/random.ts';
import { Trace } from './kernel/trace.ts';
import { World } from './kernel/world.ts';
import { Cases } from './parts/case.ts';
import { ClockFaults } from './parts/clock-faults.ts';
import { Cluster } from './parts/cluster.ts';
import { Gateway } from './parts/gateway.ts';
import { Network } from './parts/network.ts';
import { Participants } from './parts/participants.ts';
import { subscribeTopics } from './parts/topics.ts';
import { WatchedStore } from './parts/watched-store.ts';
import { drawProfile, type Profile } from './profile.ts';
import { scheduleContradictions, scheduleHelp, scheduleInterference, scheduleTransactions } from './schedule.ts';

/** The outcome of a seed. */
export interface Outcome {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly counters: Readonly<Record<string, number>>;
  readonly simulatedMs: number;
  /** Number of events. */
  readonly happened: number;
  readonly trace: Trace;
}

const START_MS = 5_000;
/** How long everything must have been healed before unfinished transactions count as lost. */
const PATIENCE_MS = 240_000;
/**
 * How long the world runs on after the last transaction has finished, so that later events are
 * judged as well.
 */
const REST_MS = 12_000;
/** Time after the retention within which finished transactions must be deleted. */
const PURGE_MS = 45_000;

/** Runs one seed. The same seed gives the same outcome, line by line. */
export async function simulate(seed: number): Promise<Outcome> {
  return new Simulation(seed).run();
}

/** Connects the parts of one run and executes its phases. */
class Simulation {
  readonly #seed: number;
  readonly #random: Random;
  readonly #profile: Profile;
  readonly #world = new World();
  readonly #trace = new Trace(() => this.#world.nowMs);
  readonly #counters = new Counters();
  readonly #checker = new Checker(this.#world, this.#trace);
  readonly #cases = new Cases();
  readonly #gateway: Gateway;
  readonly #http: HttpNetwork | undefined;
  readonly #cluster: Cluster;
  readonly #clockFaults: ClockFaults;
  readonly #participants: Participants;
  readonly #crowd: Crowd;
  #healed = true;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = new Random(seed);
    const profile = (this.#profile = drawProfile(this.#random.fork('profile')));
    const { maxInProgress, maxClaims } = profile.options;
    const base = {
      world: this.#world,
      trace: this.#trace,
      counters: this.#counters,
      checker: this.#checker,
      cases: this.#cases,
      profile,
      isHealed: () => this.#healed,
    };
    const from = (name: string) => ({ ...base, random: this.#random.fork(name) });
    const participants = () => this.#participants;
    const network = new Network({ ...from('network'), participants });
    this.#http = profile.overHttp ? new HttpNetwork({ ...from('http'), participants }) : undefined;
    const heartbeats = new HeartbeatWatch(base);
    const watch = new StoreWatch({ ...base, maxInProgress });
    this.#gateway = new Gateway(from('gateway'));
    const store = new WatchedStore({ ...base, watch });
    this.#cluster = new Cluster({
      ...from('nodes'),
      store,
      network,
      http: this.#http,
      calls: new CallWatch({ ...base, heartbeats, maxClaims, steadyTime: profile.calm }),
    });
    this.#clockFaults = new ClockFaults({ ...from('clocks'), store, cluster: this.#cluster });
    this.#crowd = new Crowd({
      ...from('clients'),
      gateway: this.#gateway,
      network,
      acks: new AckWatch(this.#checker),
      heartbeats,
      slowSteps: profile.slowSteps,
      retryIntervalMs: profile.options.retryIntervalMs,
      nodes: () => this.#cluster.nodes,
    });
    this.#participants = new Participants({
      ...from('participants'),
      callback: (one, reply) => this.#crowd.callback(one, reply),
    });
  }

  async run(): Promise<Outcome> {
    const rejected = (reason: unknown): void =>
      this.#checker.violate('DEF1', '', `unhandled rejection: ${textOf(reason)}`);
    process.on('unhandledRejection', rejected);
    try {
      await this.#phases();
      // Unhandled rejections are reported at the end of a turn of the event loop.
      await new Promise<void>((resolve) => setImmediate(resolve));
    } catch (error) {
      this.#checker.violate('DEF1', '', `thrown by a timer or a reply: ${textOf(error)}`);
    } finally {
      process.off('unhandledRejection', rejected);
    }
    return {
      seed: this.#seed,
      violations: this.#checker.violations,
      counters: this.#counters.all(),
      simulatedMs: this.#world.nowMs,
      happened: this.#world.happened,
      trace: this.#trace,
    };
  }

  async #phases(): Promise<void> {
    const { faultsUntilMs, calm, options } = this.#profile;
    await this.#until(() => this.#cluster.nodes.every((node) => node.isUp), START_MS);
    await subscribeTopics(this.#cluster.nodes, (done) => this.#until(done, this.#world.nowMs + START_MS));
    this.#healed = calm;
    this.#schedule();
    await this.#until(() => false, faultsUntilMs);
    this.#heal();
    await this.#until(() => this.#isOver(), this.#world.nowMs + PATIENCE_MS);
    await this.#until(
      () => false,
      this.#world.nowMs + (options.retentionMs > 0 ? options.retentionMs + PURGE_MS : REST_MS),
    );
    if (!this.#violated)
      judgeAll({
        checker: this.#checker,
        cases: this.#cases,
        gateway: this.#gateway,
        nodes: this.#cluster.nodes,
        counters: this.#counters,
        calm,
      });
  }

  get #violated(): boolean {
    return this.#checker.violations.length > 0;
  }

  /** Runs events until `done` returns true, but not after a violation. */
  async #until(done: () => boolean, limitMs: number): Promise<void> {
    await this.#world.run(() => this.#violated || done(), limitMs);
  }

  get #stage() {
    return {
      world: this.#world,
      random: this.#random.fork('work'),
      profile: this.#profile,
      cases: this.#cases,
      crowd: this.#crowd,
      participants: this.#participants,
      counters: this.#counters,
    };
  }

  #schedule(): void {
    const stage = this.#stage;
    scheduleTransactions(stage);
    if (this.#profile.calm) return;
    scheduleInterference(stage);
    scheduleContradictions(stage);
    this.#cluster.scheduleFaults();
    this.#clockFaults.schedule();
    this.#http?.scheduleFaults();
  }

  #heal(): void {
    this.#trace.add('', '', 'everything heals');
    this.#healed = true;
    this.#clockFaults.heal();
    this.#cluster.heal();
    scheduleHelp(this.#stage);
  }

  #isOver(): boolean {
    if (this.#crowd.busy > 0 || this.#cases.unfinished.size > 0) return false;
    return this.#cluster.nodes.every(({ engine }) => engine.load().inProgress === 0);
  }
}

const textOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 3).join(' ') : String(error);
