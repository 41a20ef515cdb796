import type { Tool } from './tool.ts';

/** Options of every kind of run. */
export interface BenchOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly connections: readonly number[];
  readonly branchService: Tool<'nginx'>;
  readonly load: Tool<'wrk'>;
  readonly output: 'table' | 'json';
}

/** A comparison with the ceiling. */
export interface CompareOptions extends BenchOptions {
  /** URLs of stores, or names of `PRIVATE_DATABASES`; a Holdfast is started for each. */
  readonly stores: readonly string[];
  /**
   * Another built checkout, whose Holdfast takes turns with this one's on each store; undefined:
   * none.
   */
  readonly against: string | undefined;
  /** Whether a store that cannot be measured here is only reported; otherwise it fails the run. */
  readonly leaveOut: boolean;
  /** Origins of running coordinators. */
  readonly targets: readonly string[];
  /** PID of the target; undefined: its CPU and memory are unknown. */
  readonly targetPid: number | undefined;
  readonly cpuProfile: boolean;
  /** Also measure a coordinator embedded in the submitting process, with functions as branches. */
  readonly embed: boolean;
}

/** A comparison of an empty store with a full one of the same kind. */
export interface ScaleOptions extends BenchOptions {
  readonly store: 'lmdb' | 'postgres';
  readonly finished: number;
  readonly waiting: number;
}

/** A comparison of gRPC with HTTP: submissions, branches, and both. */
export interface ProtocolOptions extends BenchOptions {
  /** A coordinator is started on such a store for each combination. */
  readonly store: 'lmdb:' | 'memory:';
  /** Origins at which running coordinators serve dtm's protocol over gRPC. */
  readonly targets: readonly string[];
  readonly targetPid: number | undefined;
  readonly cpuProfile: boolean;
}

/** A comparison of an open coordinator with secured ones. */
export interface SecuredOptions extends BenchOptions {
  /** A coordinator is started on such a store for each. */
  readonly store: 'lmdb:' | 'memory:';
  readonly cpuProfile: boolean;
}

/** How long single inputs hold the event loop. */
export type StallOptions = Pick<BenchOptions, 'rounds' | 'branchService' | 'output'>;
