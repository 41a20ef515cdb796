import { storeSuite } from '@holdfast/conformance';
import { type DatabaseServer, startRedis } from '@holdfast/testing/servers';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { goldenFormat } from './golden.ts';
import { createPlace, DAMAGED_HEAD_NAMES } from './place.ts';

describeWith(['redis-server'], 'on a real server', () => {
  let server: DatabaseServer | undefined;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server?.stop());
  storeSuite({
    name: 'redis',
    test: { describe, it },
    manifest: {
      durable: true,
      exclusive: false,
      controllableClock: true,
      formats: [goldenFormat('schema-1')],
      damagedParts: ['state', 'definition', 'entry'],
      damagedHeads: DAMAGED_HEAD_NAMES,
    },
    createPlace: () => {
      if (server === undefined) throw new Error('Redis is not installed, or was not started');
      return createPlace(server.url);
    },
  });
});
