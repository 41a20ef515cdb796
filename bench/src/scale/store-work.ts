import { sample, type Samples } from './prometheus.ts';

/** What a store did between two looks at a coordinator's metrics. */
export interface StoreWork {
  readonly batches: number;
  /** Mean time of a batch, from its leaving to its being durable; undefined when there was none. */
  readonly msPerBatch: number | undefined;
  readonly itemsPerBatch: number | undefined;
  readonly microsPerItem: number | undefined;
}

/** Transactions that lie in a store. */
export interface Stored {
  readonly finished: number;
  readonly unfinished: number;
}

export function storeWork(before: Samples, after: Samples): StoreWork {
  // A coordinator that has written nothing yet does not know the histograms.
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
