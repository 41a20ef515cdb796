import { describeWith } from '../../../tools/src/describe-with.ts';
import { garbledServerCases } from '../../conformance/test/support/garbled-server.ts';
import { createRedisStore } from '../src/index.ts';
import { newPrefix, useServer } from './server.ts';

describeWith(['redis-server'], 'a Redis whose responses are spoiled', () => {
  const { url } = useServer();
  const prefix = newPrefix();
  garbledServerCases(url, (at, timeoutMs) =>
    createRedisStore({
      url: at,
      prefix,
      ...(timeoutMs !== undefined && { commandTimeoutMs: timeoutMs, connectTimeoutMs: timeoutMs }),
    }),
  );
});
