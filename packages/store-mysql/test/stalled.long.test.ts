import { describeWith } from '@holdfast/testing/describe-with';
import { STATEMENT_TIMEOUT_MS, stalledServerCases } from '@holdfast/testing/store-cases';
import { createMysqlStore } from '../src/index.ts';
import { newPrefix, useServer } from '@holdfast/testing/mysql';

describeWith(['mariadbd'], 'a MariaDB that hangs', () => {
  const { url } = useServer();
  stalledServerCases(url, 'sql_mode', (at) =>
    createMysqlStore({ url: at, prefix: newPrefix(), statementTimeoutMs: STATEMENT_TIMEOUT_MS }),
  );
});
