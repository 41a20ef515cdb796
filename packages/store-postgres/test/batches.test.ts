import type { Store } from '@holdfast/core/store';
import { afterAll, beforeAll } from 'vitest';
import { describeWith } from '../../../tools/src/describe-with.ts';
import { mixedBatchCases } from '../../conformance/test/support/mixed-batch-cases.ts';
import { createPostgresStore } from '../src/index.ts';
import { newSchema, useServer } from './server.ts';

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
