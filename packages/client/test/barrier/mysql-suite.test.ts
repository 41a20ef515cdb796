import { barrierSuite } from '@holdfast/conformance';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { describeWith } from '../../../../tools/src/describe-with.ts';
import { type MysqlWorld, openMysqlWorld } from './mysql-world.ts';

describeWith(['mariadbd'], 'on MariaDB', () => {
  let world: MysqlWorld;
  beforeAll(async () => {
    world = await openMysqlWorld();
  });
  afterAll(() => world.close());

  for (const isolation of ['read committed', 'repeatable read', 'serializable'] as const) {
    barrierSuite({ name: isolation, test: { describe, it }, createPlace: () => world.createPlace({ isolation }) });
  }
});
