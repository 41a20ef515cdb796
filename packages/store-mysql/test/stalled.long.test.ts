import { describeWith } from '../../../tools/src/describe-with.ts';
import { STATEMENT_TIMEOUT_MS, stalledServerCases } from '../../conformance/test/support/stalled-server.ts';
import { createMysqlStore } from '../src/index.ts';
import { newPrefix, useServer } from './server.ts';

describeWith(['mariadbd'], 'a MariaDB that hangs', () => {
  const { url } = useServer();
  stalledServerCases(url, 'sql_mode', (at) =>
    createMysqlStore({ url: at, prefix: newPrefix(), statementTimeoutMs: STATEMENT_TIMEOUT_MS }),
  );
});
