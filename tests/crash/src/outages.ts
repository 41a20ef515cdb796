import { setTimeout as delay } from 'node:timers/promises';
import type { DatabaseServer } from '@holdfast/testing/servers';
import type { CoordinatorProcess } from './coordinator-process.ts';
import type { PlannedOutage } from './outage-plan.ts';

/**
 * What was down, by the clock of this machine, ms since the epoch. A `fault` disturbs the database:
 * heartbeats may be late while it lasts.
 */
export interface Outage {
  readonly kind: PlannedOutage['kind'] | 'fault';
  /** Of a coordinator; undefined: the database. */
  readonly node: ClusterNode | undefined;
  /** It was down by then. */
  readonly fromMs: number;
  /** The earliest time at which the target can be up again: when it was resumed or started. */
  readonly untilMs: number;
  /**
   * The time by which the target was up again: the database responded, or the killed coordinator
   * was ready. For a pause, the same as `untilMs`.
   */
  readonly backMs: number;
}

/** One coordinator of several. */
export interface ClusterNode {
  readonly name: string;
  /** Where its calls come from. */
  readonly address: string;
  readonly process: CoordinatorProcess;
}

/** A signal has had its effect after this. */
const SIGNAL_MS = 50;
/** The time for which a restarted database serves before it is killed again. */
const DATABASE_REST_MS = 2_000;

/** Carries out planned outages, each at its time, also while others last. */
export class Outages {
  readonly #nodes: readonly ClusterNode[];
  readonly #database: DatabaseServer;
  readonly #print: (line: string) => void;
  readonly #done: Outage[] = [];
  readonly #paused = new Set<ClusterNode>();
  #databaseUp: Promise<void> = Promise.resolve();
  #databaseDown = false;
  /** The test itself cannot continue. */
  #failed = false;
  #databaseBackAtMs = -Infinity;

  constructor(nodes: readonly ClusterNode[], database: DatabaseServer, print: (line: string) => void) {
    this.#nodes = nodes;
    this.#database = database;
    this.#print = print;
  }

  isPaused(node: ClusterNode): boolean {
    return this.#paused.has(node);
  }

  /** The database is down, or was less than so long ago. */
  databaseIsAway(withinMs: number): boolean {
    return this.#databaseDown || Date.now() < this.#databaseBackAtMs + withinMs;
  }

  /** Returns when everything is up again. */
  async carryOut(plan: readonly PlannedOutage[], inFlight: () => number): Promise<readonly Outage[]> {
    const startMs = Date.now();
    const under: Promise<void>[] = [];
    for (const [index, planned] of plan.entries()) {
      await delay(Math.max(0, startMs + planned.atMs - Date.now()));
      if (this.#failed) break;
      const progressLine = `${((Date.now() - startMs) / 1000).toFixed(1).padStart(5)} s  ${index + 1}/${plan.length}, ${inFlight()} clients at work: `;
      const outage = this.#one(planned, progressLine);
      outage.catch(() => (this.#failed = true));
      under.push(outage);
    }
    await Promise.all(under);
    await Promise.all(this.#nodes.map(({ process }) => process.ready()));
    return this.#done.toSorted((a, b) => a.fromMs - b.fromMs);
  }

  async #one(planned: PlannedOutage, progressLine: string): Promise<void> {
    const outage = await (planned.kind === 'database'
      ? this.restartDatabase('SIGKILL', planned.lastsMs)
      : planned.kind === 'kill'
        ? this.#kill(this.#node(planned.node))
        : this.#pause(this.#node(planned.node), planned.lastsMs));
    this.#done.push(outage);
    this.#print(progressLine + describeOutage(outage));
  }

  #node(index: number): ClusterNode {
    const node = this.#nodes[index];
    if (node === undefined) throw new RangeError(`there is no coordinator ${index}`);
    return node;
  }

  async #kill(node: ClusterNode): Promise<Outage> {
    await node.process.kill();
    const fromMs = Date.now();
    node.process.start();
    await node.process.ready();
    return { kind: 'kill', node, fromMs, untilMs: fromMs, backMs: Date.now() };
  }

  async #pause(node: ClusterNode, lastsMs: number): Promise<Outage> {
    this.#paused.add(node);
    node.process.pause();
    await delay(SIGNAL_MS);
    const fromMs = Date.now();
    await delay(lastsMs - SIGNAL_MS);
    const untilMs = Date.now();
    node.process.resume();
    this.#paused.delete(node);
    return { kind: 'pause', node, fromMs, untilMs, backMs: untilMs };
  }

  /**
   * Ends the database with a signal, and starts it again after some time. One after the other: the
   * database may take longer than planned to come back.
   */
  restartDatabase(signal: NodeJS.Signals, lastsMs: number): Promise<Outage> {
    const outage = this.#databaseUp.then(() => this.#restartDatabaseNow(signal, lastsMs));
    this.#databaseUp = outage.then(() => delay(DATABASE_REST_MS));
    // The outage itself reports the error.
    this.#databaseUp.catch(() => undefined);
    return outage;
  }

  async #restartDatabaseNow(signal: NodeJS.Signals, lastsMs: number): Promise<Outage> {
    this.#databaseDown = true;
    await this.#database.kill(signal);
    const fromMs = Date.now();
    await delay(lastsMs);
    const untilMs = Date.now();
    await this.#database.start();
    const backMs = Date.now();
    this.#databaseDown = false;
    this.#databaseBackAtMs = backMs;
    return { kind: 'database', node: undefined, fromMs, untilMs, backMs };
  }
}

function describeOutage({ kind, node, fromMs, backMs }: Outage): string {
  const lastedMs = backMs - fromMs;
  switch (kind) {
    case 'kill':
      return `${node?.name} killed, ready again after ${lastedMs} ms`;
    case 'pause':
      return `${node?.name} paused for ${lastedMs} ms`;
    case 'database':
    case 'fault':
      return `the database killed, responding again after ${lastedMs} ms`;
  }
}
