import { StoreError } from '@holdfast/core/store';
import { type Argument, Connection, type Reply, type Script } from './connection.ts';
import { forSessions, type Settings } from './options.ts';
import { StoreClock } from './store-clock.ts';

/**
 * Transactions that one script call reads, claims, releases or deletes: Redis serves no other
 * client during a script.
 */
export const STEP = 100;
/** Positions that one script call examines. */
export const LOOKED_AT = 1_000;

/**
 * The keys with one prefix on a server, and the connections on which scripts run. There are three:
 * one for batches, one for sessions (whose heartbeats must not wait for a large response), and one
 * for everything else.
 */
export class Installation {
  /** The prefix of all keys. */
  readonly base: string;
  readonly clock: StoreClock;
  readonly #batches: Connection;
  readonly #beats: Connection;
  readonly #rest: Connection;

  constructor(settings: Settings) {
    this.base = `{${settings.prefix}}:`;
    this.clock = new StoreClock(settings.wallMs, settings.monotonicMs);
    this.#batches = new Connection(settings);
    this.#beats = new Connection(forSessions(settings));
    this.#rest = new Connection(settings);
  }

  /** For commands outside scripts. */
  get connection(): Connection {
    return this.#rest;
  }

  run(script: Script, args: readonly Argument[] = []): Promise<Reply> {
    return this.#rest.run(script, this.base, [...this.clock.arguments(), ...args]);
  }

  runBatch(script: Script, args: readonly Argument[]): Promise<Reply> {
    return this.#batches.run(script, this.base, [...this.clock.arguments(), ...args]);
  }

  runBeat(script: Script, args: readonly Argument[] = []): Promise<Reply> {
    return this.#beats.run(script, this.base, [...this.clock.arguments(), ...args]);
  }

  async close(): Promise<void> {
    await Promise.all([this.#batches, this.#beats, this.#rest].map((connection) => connection.close()));
  }
}

/**
 * Runs a step of a call. If the step fails after earlier steps have changed something, the outcome
 * is unknown.
 */
export async function partly(begun: boolean, step: Promise<Reply>): Promise<Reply> {
  try {
    return await step;
  } catch (thrown) {
    if (!begun || !(thrown instanceof StoreError)) throw thrown;
    throw new StoreError('outcome_unknown', `a part was done: ${thrown.message}`, thrown);
  }
}
