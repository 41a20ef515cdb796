import { describeWith } from '@holdfast/testing/describe-with';
import { restoredServerCases } from '@holdfast/testing/store-cases';
import { createMysqlStore } from '../src/index.ts';
import { newPrefix, useServer } from '@holdfast/testing/mysql';

describeWith(['mariadbd'], 'a MariaDB that comes back with an older copy of its files', () => {
  const { server, url } = useServer();
  restoredServerCases(server, () => createMysqlStore({ url: url(), prefix: newPrefix() }));
});
