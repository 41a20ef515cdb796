import { describeWith } from '@holdfast/testing/describe-with';
import { STATEMENT_TIMEOUT_MS, stalledServerCases } from '@holdfast/testing/store-cases';
import { createRedisStore } from '../src/index.ts';
import { newPrefix, useServer } from '@holdfast/testing/redis';

describeWith(['redis-server'], 'a Redis that hangs', () => {
  const { url } = useServer();
  stalledServerCases(url, 'PING', (at) =>
    createRedisStore({ url: at, prefix: newPrefix(), commandTimeoutMs: STATEMENT_TIMEOUT_MS }),
  );
});
