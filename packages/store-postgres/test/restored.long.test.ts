import { describeWith } from '@holdfast/testing/describe-with';
import { restoredServerCases } from '@holdfast/testing/store-cases';
import { createPostgresStore } from '../src/index.ts';
import { newSchema, useServer } from '@holdfast/testing/postgres';

describeWith(['postgres'], 'a PostgreSQL that comes back with an older copy of its files', () => {
  const { server, url } = useServer();
  restoredServerCases(server, () => createPostgresStore({ url: url(), schema: newSchema() }));
});
