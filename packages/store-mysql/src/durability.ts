import { StoreError } from '@holdfast/core/store';
import type { Row } from './call.ts';

/** Reads the settings that the server reports. */
export const SERVER_SETTINGS = `select version() as version, @@innodb_flush_log_at_trx_commit as flush_log, @@innodb_doublewrite as doublewrite,
  @@log_bin as log_bin, @@sync_binlog as sync_binlog`;

/** Major version times a thousand, plus minor version. */
const OLDEST = { mariadb: 10_006, mysql: 8_000 };

/**
 * What a crash may lose with the server's settings; undefined if nothing. Throws `unavailable` for
 * a server that cannot hold a store.
 */
export function whatACrashMayLose(server: Row): string | undefined {
  const version = String(server['version']);
  const kind = /mariadb/i.test(version) ? 'mariadb' : 'mysql';
  const [, major = '0', minor = '0'] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  if (Number(major) * 1_000 + Number(minor) < OLDEST[kind])
    throw new StoreError('unavailable', `the database is ${version}: MariaDB 10.6, MySQL 8.0 and later are supported`);
  if (Number(server['flush_log']) !== 1)
    return `innodb_flush_log_at_trx_commit is ${String(server['flush_log'])}: a crash may lose what was acknowledged in the second before it; set it to 1`;
  if (isOff(server['doublewrite']))
    return 'innodb_doublewrite is off: unless the file system writes pages whole, a crash of the machine may corrupt what is stored; turn it on';
  if (!isOff(server['log_bin']) && Number(server['sync_binlog']) !== 1)
    return `sync_binlog is ${String(server['sync_binlog'])}: after a crash of the machine, replicas may lack what was acknowledged, or have what was not; set it to 1`;
  return undefined;
}

const isOff = (value: unknown): boolean => ['0', 'OFF'].includes(String(value).toUpperCase());
