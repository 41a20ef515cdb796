import { sample, type Samples } from './prometheus.ts';

/** A store's work between two scrapes of a coordinator's metrics. */
export interface StoreWork {
  readonly batches: number;
  /** Mean time from sending a batch until it is durable; undefined without batches. */
  readonly msPerBatch: number | undefined;
  readonly itemsPerBatch: number | undefined;
  readonly microsPerItem: number | undefined;
}

/** Number of transactions in a store. */
export interface Stored {
  readonly finished: number;
  readonly unfinished: number;
}

export function storeWork(before: Samples, after: Samples): StoreWork {
  // The histograms are absent until the coordinator has written something.
  const grew = (name: string): number => sample(after, name) - (before.get(name) ?? 0);
  const batches = grew('holdfast_store_write_seconds_count');
  const seconds = grew('holdfast_store_write_seconds_sum');
  const items = grew('holdfast_store_batch_items_sum');
  return {
    batches,
    msPerBatch: batches === 0 ? undefined : (seconds * 1e3) / batches,
    itemsPerBatch: batches === 0 ? undefined : items / batches,
    microsPerItem: items === 0 ? undefined : (seconds * 1e6) / items,
  };
}

export function stored(samples: Samples): Stored {
  const withStatus = (status: string): number => sample(samples, `holdfast_stored_transactions{status="${status}"}`);
  return {
    finished: withStatus('succeed') + withStatus('failed'),
    unfinished: withStatus('prepared') + withStatus('submitted') + withStatus('aborting'),
  };
}
