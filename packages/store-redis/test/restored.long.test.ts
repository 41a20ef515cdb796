import { describeWith } from '@holdfast/testing/describe-with';
import { restoredServerCases } from '@holdfast/testing/store-cases';
import { createRedisStore } from '../src/index.ts';
import { newPrefix, useServer } from '@holdfast/testing/redis';

describeWith(['redis-server'], 'a Redis that comes back with an older copy of its files', () => {
  const { server, url } = useServer();
  restoredServerCases(server, () => createRedisStore({ url: url(), prefix: newPrefix() }));
});
