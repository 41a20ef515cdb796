import { StoreError } from '@holdfast/core';
import { type Argument, Connection, type Reply, type Script } from './connection.ts';
import { forSessions, type Settings } from './options.ts';
import { StoreClock } from './store-clock.ts';

/** Transactions that one script call reads, claims, releases or deletes: nobody else is served meanwhile. */
export const STEP = 100;
/** Positions that one script call looks at. */
export const LOOKED_AT = 1_000;

/**
 * The keys with one prefix on a server, and how scripts are run on them: batches, sessions (whose
 * heartbeats wait for no large response) and everything else have a connection each.
 */
export class Installation {
  /** What all keys begin with. */
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

  /** For what is no script. */
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

/** A step of a call whose earlier steps changed something already: when it fails, a part was done. */
export async function partly(begun: boolean, step: Promise<Reply>): Promise<Reply> {
  try {
    return await step;
  } catch (thrown) {
    if (!begun || !(thrown instanceof StoreError)) throw thrown;
    throw new StoreError('outcome_unknown', `a part was done: ${thrown.message}`, thrown);
  }
}
