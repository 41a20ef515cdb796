import { describeWith } from '../../../tools/src/describe-with.ts';
import { STATEMENT_TIMEOUT_MS, stalledServerCases } from '../../conformance/test/support/stalled-server.ts';
import { createPostgresStore } from '../src/index.ts';
import { newSchema, useServer } from './server.ts';

describeWith(['postgres'], 'a PostgreSQL that hangs', () => {
  const { url } = useServer();
  stalledServerCases(url, 'search_path', (at) =>
    createPostgresStore({ url: at, schema: newSchema(), statementTimeoutMs: STATEMENT_TIMEOUT_MS }),
  );
});
