import { AckWatch } from './check/ack-watch.ts';
import { CallWatch } from './check/call-watch.ts';
import { Checker } from './check/checker.ts';
import type { Violation } from './check/invariants.ts';
import { judge } from './check/judge.ts';
import { StoreWatch } from './check/store-watch.ts';
import { Client, ClientDied, type ClientTools } from './clients/client.ts';
import { runMessage } from './clients/message-client.ts';
import { Operator } from './clients/operator.ts';
import { runSaga } from './clients/saga-client.ts';
import { runTwoPhase } from './clients/two-phase-client.ts';
import { answerCallBack, runWorkflow } from './clients/workflow-client.ts';
import { Counters } from './counters.ts';
import { Random } from './kernel/random.ts';
import { Trace } from './kernel/trace.ts';
import { World } from './kernel/world.ts';
import { Case, Cases, nameOf } from './parts/case.ts';
import { Cluster } from './parts/cluster.ts';
import { Gateway } from './parts/gateway.ts';
import { makePlan, TOPICS } from './parts/make-plan.ts';
import { Network } from './parts/network.ts';
import { Participants } from './parts/participants.ts';
import { WatchedStore } from './parts/watched-store.ts';
import { drawProfile, type Profile } from './profile.ts';

/** What a seed came to. */
export interface Outcome {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly counters: Readonly<Record<string, number>>;
  readonly profile: Profile;
  readonly simulatedMs: number;
  readonly happened: number;
  readonly trace: Trace;
}

/** Everything is healed for so long before what has not ended counts as lost. */
const PATIENCE_MS = 240_000;
/** How long everything is left alone after the last transaction ended, so that nothing happens behind the judge's back. */
const REST_MS = 12_000;

/** Runs one seed. The same seed gives the same outcome, line by line. */
export async function simulate(seed: number): Promise<Outcome> {
  return new Simulation(seed).run();
}

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
  readonly #cluster: Cluster;
  readonly #participants: Participants;
  readonly #tools: ClientTools;
  #healed = true;
  #clientsRunning = 0;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = new Random(seed);
    const profile = (this.#profile = drawProfile(this.#random.fork('profile')));
    const base = {
      world: this.#world,
      trace: this.#trace,
      counters: this.#counters,
      checker: this.#checker,
      cases: this.#cases,
      profile,
      isHealed: () => this.#healed,
    };
    const { options } = profile;
    const watch = new StoreWatch({ ...base, maxInProgress: options.maxInProgress });
    const network = new Network({
      ...base,
      random: this.#random.fork('network'),
      participants: () => this.#participants,
    });
    this.#gateway = new Gateway({ ...base, random: this.#random.fork('gateway') });
    this.#cluster = new Cluster({
      ...base,
      random: this.#random.fork('nodes'),
      store: new WatchedStore({ ...base, watch }),
      network,
      calls: new CallWatch({ ...base, maxClaims: options.maxClaims, steadyTime: profile.calm || profile.exclusive }),
    });
    this.#tools = {
      ...base,
      random: this.#random.fork('clients'),
      gateway: this.#gateway,
      network,
      acks: new AckWatch(this.#checker),
      nodes: () => this.#cluster.nodes,
    };
    this.#participants = new Participants({
      ...base,
      random: this.#random.fork('participants'),
      callBack: (one, reply) => {
        if (one.plan.pattern !== 'workflow') return;
        const { plan } = one;
        this.#start(() => answerCallBack(new Client(this.#tools, one, Infinity), plan, reply));
      },
    });
  }

  async run(): Promise<Outcome> {
    const rejected = (reason: unknown): void =>
      this.#checker.violate('Z1', '', `unhandled rejection: ${textOf(reason)}`);
    process.on('unhandledRejection', rejected);
    try {
      await this.#runThrough();
      // Rejections that nobody handled are told at the end of a turn of the event loop.
      await new Promise<void>((resolve) => setImmediate(resolve));
    } catch (error) {
      this.#checker.violate('Z1', '', `thrown out of a timer or an answer: ${textOf(error)}`);
    } finally {
      process.off('unhandledRejection', rejected);
    }
    const { happened, nowMs } = this.#world;
    return {
      seed: this.#seed,
      violations: this.#checker.violations,
      counters: this.#counters.all(),
      profile: this.#profile,
      simulatedMs: nowMs,
      happened,
      trace: this.#trace,
    };
  }

  async #runThrough(): Promise<void> {
    const world = this.#world;
    await world.run(() => this.#cluster.nodes.every((node) => node.isUp), 5_000);
    await this.#subscribeTopics();
    this.#healed = this.#profile.calm;
    this.#scheduleWork();
    const { faultsUntilMs } = this.#profile;
    await world.run(() => this.#violated, faultsUntilMs);
    if (this.#violated) return;
    this.#trace.add('', '', 'everything heals');
    this.#healed = true;
    this.#cluster.heal();
    this.#helpOut();
    await world.run(() => this.#violated || this.#isOver(), world.nowMs + PATIENCE_MS);
    if (this.#violated) return;
    await world.run(() => this.#violated, world.nowMs + REST_MS);
    if (!this.#violated) this.#judgeAll();
  }

  get #violated(): boolean {
    return this.#checker.violations.length > 0;
  }

  async #subscribeTopics(): Promise<void> {
    const [node] = this.#cluster.nodes;
    if (node === undefined) return;
    let left = 0;
    for (const [topic, urls] of Object.entries(TOPICS)) {
      left++;
      const subscribeAll = async (): Promise<void> => {
        for (const namespace of NAMESPACES) {
          for (const url of urls)
            await node.engine.subscribe({ principal: 'operator', namespace }, { topic, url, remark: '' });
        }
        left--;
      };
      void subscribeAll();
    }
    await this.#world.run(() => left === 0, this.#world.nowMs + 10_000);
  }

  #scheduleWork(): void {
    const random = this.#random.fork('work');
    const { transactions, faultsUntilMs, nodeFaults, participants, options } = this.#profile;
    const { timeoutToFailMs } = options;
    for (let i = 1; i <= transactions; i++) {
      const plan = makePlan(random, this.#profile, i <= nodeFaults.killers);
      // Few gids are so different that none is the beginning of another, and some exist in two namespaces.
      const key = { namespace: random.chance(0.1) ? 'other' : 'default', gid: `g${i}` };
      const one = this.#cases.add(new Case(key, plan, timeoutToFailMs));
      this.#world.after(random.between(0, faultsUntilMs * 0.8), () => this.#startClients(one));
      if (random.chance(0.1)) {
        const twin = this.#cases.add(
          new Case({ ...key, namespace: 'twin' }, makePlan(random, this.#profile, false), timeoutToFailMs),
        );
        this.#world.after(random.between(0, faultsUntilMs * 0.8), () => this.#startClients(twin));
      }
    }
    if (this.#profile.calm) return;
    this.#cluster.scheduleFaults();
    for (let i = 0; i < participants.outages; i++) {
      const service = random.pick(['stock', 'payment', 'coupon', 'delivery', 'points']);
      this.#world.after(random.between(0, faultsUntilMs), () =>
        this.#participants.takeDown(service, random.between(500, 8_000)),
      );
    }
    const operator = new Operator(this.#tools);
    for (let i = 0; i < transactions / 2; i++) {
      this.#world.after(random.between(500, faultsUntilMs), () => {
        // Mostly somebody looks at what has not ended yet.
        const { unfinished } = this.#cases;
        const one = random.pick(unfinished.size > 0 && random.chance(0.8) ? [...unfinished] : [...this.#cases.all()]);
        this.#start(() => operator.act(one));
      });
    }
  }

  #startClients(one: Case): void {
    const { plan } = one;
    this.#counters.count(`transactions ${plan.pattern}`);
    const clients = plan.pattern === 'saga' ? plan.clients : 1;
    for (let i = 0; i < clients; i++) {
      this.#start(async () => {
        const client = new Client(this.#tools, one, plan.diesAfter);
        switch (plan.pattern) {
          case 'saga':
            return runSaga(client, plan);
          case 'tcc':
          case 'xa':
            return runTwoPhase(client, plan);
          case 'msg':
            return runMessage(client, plan);
          case 'workflow':
            return runWorkflow(client, plan);
        }
      });
    }
  }

  #start(script: () => Promise<void>): void {
    this.#clientsRunning++;
    void script()
      .catch((error: unknown) => {
        if (!(error instanceof ClientDied)) throw error;
      })
      .finally(() => this.#clientsRunning--);
  }

  /** After the faults a person looks after what was parked. */
  #helpOut(): void {
    const operator = new Operator(this.#tools);
    const look = (): void => {
      for (const one of this.#cases.unfinished) {
        if (one.record?.attention !== true || one.record.dueAtMs !== null || one.record.owner !== null) continue;
        this.#counters.count('parked');
        this.#start(() => operator.retry(one));
      }
      this.#world.after(5_000, look);
    };
    this.#world.after(1_000, look);
  }

  #isOver(): boolean {
    if (this.#clientsRunning > 0 || this.#cases.unfinished.size > 0) return false;
    return this.#cluster.nodes.every(({ engine }) => engine.load().inProgress === 0);
  }

  #judgeAll(): void {
    const checker = this.#checker;
    for (const one of this.#cases.all()) {
      judge(one, checker, this.#profile.calm);
      const status = one.record?.status ?? 'never stored';
      this.#counters.count(`${one.plan.pattern} ${status}`);
      checker.expect(
        one.record?.owner == null,
        'P4',
        nameOf(one.key),
        () => `it is still owned by ${one.record?.owner ?? ''}`,
      );
    }
    for (const what of this.#gateway.unanswered()) checker.violate('A4', '', `never answered: ${what}`);
    for (const { name, engine } of this.#cluster.nodes) {
      const { inProgress, callsRunning, writesQueued, waiters } = engine.load();
      checker.expect(
        inProgress + callsRunning + writesQueued + waiters === 0,
        'P4',
        '',
        () =>
          `${name} holds ${inProgress} transactions, ${callsRunning} calls, ${writesQueued} writes, ${waiters} waiters`,
      );
    }
  }
}

const NAMESPACES = ['default', 'other', 'twin'];

const textOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 3).join(' ') : String(error);
