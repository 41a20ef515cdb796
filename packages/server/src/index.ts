export { type RunningServer, type ServerParts, startServer } from './serve.ts';
export { ConfigError } from './config/config-error.ts';
export { configWith } from './config/config-with.ts';
export { type ConfigSources, loadConfig } from './config/load-config.ts';
export type { ServerConfig } from './config/options.ts';
export { createLog, type LogOptions } from './logs/create-log.ts';
export { type Log, SILENT } from './logs/log.ts';
export { HTTP_SERVER_LIMITS, HTTP_SERVER_SETTINGS } from './http/http-settings.ts';
export type { Siblings, Snapshot } from './metrics/exposition.ts';
