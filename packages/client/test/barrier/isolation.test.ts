import { expect, it } from 'vitest';
import { MysqlDriver } from '../../src/barrier/mysql-driver.ts';
import { PgDriver } from '../../src/barrier/pg-driver.ts';

it.each([MysqlDriver, PgDriver])(
  '%o rejects an isolation level that is none: it would be a part of a statement',
  (Driver) => {
    const pool = {} as never;
    for (const isolation of ['serializable; drop table t', 'default', 'toString', ''])
      expect(() => new Driver(pool, { isolation: isolation as 'serializable' })).toThrow(/isolation is read committed/);
    expect(() => new Driver(pool, { isolation: 'serializable' })).not.toThrow();
  },
);
