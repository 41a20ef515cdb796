import { barrierSuite } from '@holdfast/conformance';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { describeWith } from '../../../../tools/src/describe-with.ts';
import { openPostgresWorld, type PostgresWorld } from './postgres-world.ts';

describeWith(['postgres'], 'on PostgreSQL', () => {
  let world: PostgresWorld;
  beforeAll(async () => {
    world = await openPostgresWorld();
  });
  afterAll(() => world.close());

  for (const isolation of ['read committed', 'repeatable read', 'serializable'] as const) {
    barrierSuite({ name: isolation, test: { describe, it }, createPlace: () => world.createPlace({ isolation }) });
  }
});
