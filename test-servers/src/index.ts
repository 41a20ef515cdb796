export { captureChild, runChild, startChild, type Captured, type Child, type ChildOptions } from './child.ts';
export { createDataFolder, removeDataFolder } from './data-folder.ts';
export { freePort } from './free-port.ts';
export { locate } from './locate.ts';
export { startMariadb } from './mariadb.ts';
export { startPostgres } from './postgres.ts';
export type { DatabaseServer, PrivateServer } from './private-server.ts';
export { answers, untilReady } from './ready.ts';
export { type RedisSettings, startRedis } from './redis.ts';
