import { describeWith } from '../../../tools/src/describe-with.ts';
import { restoredServerCases } from '../../conformance/test/support/restored-server.ts';
import { createMysqlStore } from '../src/index.ts';
import { newPrefix, useServer } from './server.ts';

describeWith(['mariadbd'], 'a MariaDB that comes back with an older copy of its files', () => {
  const { server, url } = useServer();
  restoredServerCases(server, () => createMysqlStore({ url: url(), prefix: newPrefix() }));
});
