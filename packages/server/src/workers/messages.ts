import type { ServerConfig } from '../config/options.ts';
import type { Snapshot } from '../metrics/exposition.ts';

/** What the primary process and its workers tell each other. */
export type ToPrimary =
  /** It runs, and wants to know who it is. */
  | { readonly kind: 'hello' }
  /** It serves. */
  | { readonly kind: 'ready'; readonly url: string }
  /** It was asked for metrics, and wants those of all workers. */
  | { readonly kind: 'gather'; readonly id: number }
  | { readonly kind: 'snapshot'; readonly id: number; readonly snapshot: Snapshot };

export type ToWorker =
  | { readonly kind: 'start'; readonly number: number; readonly config: ServerConfig }
  /** Finish or release what is under way, and end. */
  | { readonly kind: 'stop' }
  /** Tell your metrics. */
  | { readonly kind: 'tell'; readonly id: number }
  | { readonly kind: 'gathered'; readonly id: number; readonly snapshots: readonly Snapshot[] };
