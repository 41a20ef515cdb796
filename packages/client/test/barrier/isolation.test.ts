import { expect, it } from 'vitest';
import { MysqlDialect } from '../../src/barrier/mysql-dialect.ts';
import { PgDialect } from '../../src/barrier/pg-dialect.ts';

it.each([MysqlDialect, PgDialect])(
  '%o rejects an isolation level that is none: it would be a part of a statement',
  (Dialect) => {
    const pool = {} as never;
    for (const isolation of ['serializable; drop table t', 'default', 'toString', ''])
      expect(() => new Dialect(pool, { isolation: isolation as 'serializable' })).toThrow(
        /isolation is read committed/,
      );
    expect(() => new Dialect(pool, { isolation: 'serializable' })).not.toThrow();
  },
);
