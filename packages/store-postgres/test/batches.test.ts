import type { Store } from '@holdfast/core/store';
import { afterAll, beforeAll } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { mixedBatchCases } from '@holdfast/testing/store-cases';
import { createPostgresStore } from '../src/index.ts';
import { newSchema, useServer } from '@holdfast/testing/postgres';

describeWith(['postgres'], 'batches on a real server', () => {
  const { url } = useServer();
  let store: Store;
  beforeAll(async () => {
    store = createPostgresStore({ url: url(), schema: newSchema() });
    await store.open();
  });
  afterAll(() => store.close());

  mixedBatchCases(() => store);
});
