import type { DoneFault } from './database-faults/fault-run.ts';
import type { Kill } from './kills.ts';
import type { ClusterNode, Outage } from './outages.ts';
import type { SeenSession } from './session-watch.ts';

/** What is tested: one coordinator or several, and the plan of what is done to them. */
export interface Subject {
  /** Where clients reach it, also before it has started. */
  readonly origin: string;
  /** The same over gRPC: `127.0.0.1:port`. */
  readonly grpcAddress: string;
  /** How often a coordinator ended without having been killed. */
  readonly deaths: number;
  /** Starts the subject. Resolves to the ms until it was ready. */
  start(): Promise<number>;
  /**
   * Executes the planned outages, and resolves when everything is ready again. `inFlight` returns
   * the number of active clients.
   */
  disturb(inFlight: () => number): Promise<Disturbed>;
  /** Kills every coordinator for good. */
  end(): Promise<void>;
  /** Ends everything else, too. */
  close(): Promise<void>;
}

/** What was done. */
export interface Disturbed {
  /** Of a coordinator that is alone. */
  readonly kills: readonly Kill[];
  /** Several. */
  readonly nodes: readonly ClusterNode[];
  /** Of one of them, and of their database. */
  readonly outages: readonly Outage[];
  /** Of their database while it runs: every attempt. */
  readonly faults: readonly DoneFault[];
  /** Every session that was seen in the shared store, up to the end of the run. */
  readonly sessions: readonly SeenSession[];
}
