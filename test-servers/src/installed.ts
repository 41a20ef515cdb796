import { locate, postgresFolders } from './locate.ts';

/**
 * Which servers this machine has, for `describe.skipIf(!INSTALLED.postgres)('… (PostgreSQL)', …)`: what is missing is named and skipped, and where nothing
 * may be skipped the run fails.
 */
export const INSTALLED = {
  mariadb: locate('mariadbd', ['/usr/sbin']) !== undefined,
  postgres: locate('postgres', postgresFolders()) !== undefined,
  redis: locate('redis-server') !== undefined,
} as const;
