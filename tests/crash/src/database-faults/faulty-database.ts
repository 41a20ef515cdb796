import { mysqlFaults } from './mysql-faults.ts';
import { postgresFaults } from './postgres-faults.ts';
import { redisFaults } from './redis-faults.ts';
import type { SharedStore } from '../private-database.ts';
import type { DatabaseFaultKind } from './fault-kinds.ts';

/** What a fault did, by the clock of this machine, ms since the epoch. */
export interface FaultEffect {
  /** It lasted from then … */
  readonly fromMs: number;
  /** … to then. */
  readonly untilMs: number;
  /**
   * How often it hit: statements that waited for it, connections closed, tables changed. With 0 the
   * fault has not happened, and is repeated.
   */
  readonly hits: number;
  /** What was hit, after the number. */
  readonly what: string;
}

/** What a fault may use. */
export interface FaultTools {
  readonly lastsMs: number;
  /** Changes a key-value through a coordinator; false: it was not acknowledged. */
  readonly changeKeyValue: () => Promise<boolean>;
  /** Changes a key-value through each coordinator at once. */
  readonly changeEverywhere: () => Promise<unknown>;
}

/** The faults that need a connection to the server; those of the server's process do not. */
export type ConnectedFault = Exclude<DatabaseFaultKind, 'clock-forwards' | 'clock-backwards' | 'shut-down'>;

/** The access of the test to a database, outside of every coordinator. */
export interface FaultyDatabase {
  /** Rejects when the connection is lost. */
  readonly carryOut: (kind: ConnectedFault, tools: FaultTools) => Promise<FaultEffect>;
  /** The server's clock, ms since the epoch. */
  readonly nowMs: () => Promise<number>;
  /** The signal with which the server ends at once, but not without a shutdown. */
  readonly shutDownSignal: NodeJS.Signals;
}

const FAULTY: Readonly<Record<SharedStore, (url: string) => FaultyDatabase>> = {
  postgres: postgresFaults,
  mysql: mysqlFaults,
  redis: redisFaults,
};

export const faultyDatabase = (store: SharedStore, url: string): FaultyDatabase => FAULTY[store](url);
