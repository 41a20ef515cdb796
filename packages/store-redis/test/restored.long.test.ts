import { describeWith } from '../../../tools/src/describe-with.ts';
import { restoredServerCases } from '../../conformance/test/support/restored-server.ts';
import { createRedisStore } from '../src/index.ts';
import { newPrefix, useServer } from './server.ts';

describeWith(['redis-server'], 'a Redis that comes back with an older copy of its files', () => {
  const { server, url } = useServer();
  restoredServerCases(server, () => createRedisStore({ url: url(), prefix: newPrefix() }));
});
