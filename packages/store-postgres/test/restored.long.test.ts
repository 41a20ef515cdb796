import { describeWith } from '../../../tools/src/describe-with.ts';
import { restoredServerCases } from '../../conformance/test/support/restored-server.ts';
import { createPostgresStore } from '../src/index.ts';
import { newSchema, useServer } from './server.ts';

describeWith(['postgres'], 'a PostgreSQL that comes back with an older copy of its files', () => {
  const { server, url } = useServer();
  restoredServerCases(server, () => createPostgresStore({ url: url(), schema: newSchema() }));
});
