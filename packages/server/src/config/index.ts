export { VERSION } from '../version.ts';
export { ConfigError } from './config-error.ts';
export { unknownVariables } from './environment.ts';
export { configWith } from './config-with.ts';
export { tlsWarnings } from '../tls/tls-warnings.ts';
export type { DtmNote } from './dtm/dtm-config.ts';
export { type ConfigSources, loadConfig } from './load-config.ts';
export {
  defaultOf,
  flagOf,
  OPTION_NAMES,
  type OptionName,
  OPTIONS,
  type OptionSpec,
  reloadedFilesOf,
  type ServerConfig,
  variableOf,
} from './options.ts';
