import { describeWith } from '@holdfast/testing/describe-with';
import { STATEMENT_TIMEOUT_MS, stalledServerCases } from '@holdfast/testing/store-cases';
import { createPostgresStore } from '../src/index.ts';
import { newSchema, useServer } from '@holdfast/testing/postgres';

describeWith(['postgres'], 'a PostgreSQL that hangs', () => {
  const { url } = useServer();
  stalledServerCases(url, 'search_path', (at) =>
    createPostgresStore({ url: at, schema: newSchema(), statementTimeoutMs: STATEMENT_TIMEOUT_MS }),
  );
});
