import { describeWith } from '../../../tools/src/describe-with.ts';
import { STATEMENT_TIMEOUT_MS, stalledServerCases } from '../../conformance/test/support/stalled-server.ts';
import { createRedisStore } from '../src/index.ts';
import { newPrefix, useServer } from './server.ts';

describeWith(['redis-server'], 'a Redis that hangs', () => {
  const { url } = useServer();
  stalledServerCases(url, 'PING', (at) =>
    createRedisStore({ url: at, prefix: newPrefix(), commandTimeoutMs: STATEMENT_TIMEOUT_MS }),
  );
});
