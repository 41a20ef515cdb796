import type { ServerConfig } from '@holdfast/server/config';
import type { RunningServer, Snapshot } from '@holdfast/server';

/** Where a coordinator listens. */
export type Addresses = Pick<RunningServer, 'url' | 'grpcAddress'>;

/** Messages between the primary process and its workers. */
export type ToPrimary =
  /** The worker runs and needs its number and configuration. */
  | { readonly kind: 'hello' }
  /** The worker serves. */
  | ({ readonly kind: 'ready' } & Addresses)
  /** The worker was scraped and needs the metrics of all workers. */
  | { readonly kind: 'gather'; readonly id: number }
  | { readonly kind: 'snapshot'; readonly id: number; readonly snapshot: Snapshot };

export type ToWorker =
  | { readonly kind: 'start'; readonly number: number; readonly config: ServerConfig }
  /** Finish or release what is in progress, then exit. */
  | { readonly kind: 'stop' }
  /** Read the files that options name again. */
  | { readonly kind: 'reload' }
  /** Send your metrics. */
  | { readonly kind: 'tell'; readonly id: number }
  | { readonly kind: 'gathered'; readonly id: number; readonly snapshots: readonly Snapshot[] };
