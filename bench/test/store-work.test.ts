import { describe, expect, test } from 'vitest';
import { parseSamples } from '../src/scale/prometheus.ts';
import { stored, storeWork } from '../src/scale/store-work.ts';

const samples = (batches: number, seconds: number, items: number) =>
  parseSamples(`# HELP holdfast_store_write_seconds Batches of writes to the store
# TYPE holdfast_store_write_seconds histogram
holdfast_store_write_seconds_bucket{le="+Inf"} ${batches}
holdfast_store_write_seconds_sum ${seconds}
holdfast_store_write_seconds_count ${batches}
holdfast_store_batch_items_sum ${items} 1700000000000
holdfast_stored_transactions{status="prepared"} 4
holdfast_stored_transactions{status="submitted"} 3
holdfast_stored_transactions{status="succeed"} 1e2
holdfast_stored_transactions{status="aborting"} 2
holdfast_stored_transactions{status="failed"} 1
`);

describe("a store's work", () => {
  test('is what the counters grew by', () => {
    expect(storeWork(samples(10, 0.5, 100), samples(30, 0.54, 180))).toEqual({
      batches: 20,
      msPerBatch: expect.closeTo(2) as number,
      itemsPerBatch: 4,
      microsPerItem: expect.closeTo(500) as number,
    });
  });

  test('has no mean when there was none', () => {
    const same = samples(10, 0.5, 100);
    expect(storeWork(same, same)).toEqual({
      batches: 0,
      msPerBatch: undefined,
      itemsPerBatch: undefined,
      microsPerItem: undefined,
    });
  });

  test('counts from zero when the coordinator had written nothing before', () => {
    expect(storeWork(parseSamples(''), samples(10, 0.5, 100)).batches).toBe(10);
  });

  test('that is not counted is an error that names the metric', () => {
    expect(() => storeWork(parseSamples(''), parseSamples(''))).toThrow(/holdfast_store_write_seconds_count/);
  });
});

test('what lies in a store is finished or not', () => {
  expect(stored(samples(0, 0, 0))).toEqual({ finished: 101, unfinished: 9 });
});
