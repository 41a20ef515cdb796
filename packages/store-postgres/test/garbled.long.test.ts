import { describeWith } from '@holdfast/testing/describe-with';
import { garbledServerCases } from '@holdfast/testing/store-cases';
import { createPostgresStore } from '../src/index.ts';
import { newSchema, useServer } from '@holdfast/testing/postgres';

describeWith(['postgres'], 'a PostgreSQL whose responses are spoiled', () => {
  const { url } = useServer();
  const schema = newSchema();
  garbledServerCases(url, (at, timeoutMs) =>
    createPostgresStore({
      url: at,
      schema,
      ...(timeoutMs !== undefined && { statementTimeoutMs: timeoutMs, connectTimeoutMs: timeoutMs }),
    }),
  );
});
