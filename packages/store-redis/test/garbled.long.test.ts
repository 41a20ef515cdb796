import { describeWith } from '@holdfast/testing/describe-with';
import { garbledServerCases } from '@holdfast/testing/store-cases';
import { createRedisStore } from '../src/index.ts';
import { newPrefix, useServer } from '@holdfast/testing/redis';

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
