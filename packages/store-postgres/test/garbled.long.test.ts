import { describeWith } from '../../../tools/src/describe-with.ts';
import { garbledServerCases } from '../../conformance/test/support/garbled-server.ts';
import { createPostgresStore } from '../src/index.ts';
import { newSchema, useServer } from './server.ts';

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
