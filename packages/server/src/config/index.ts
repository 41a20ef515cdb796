export { VERSION } from '../version.ts';
export { ConfigError } from './config-error.ts';
export { pathOfFileValue } from '../secrets/file-value.ts';
export { secretOption } from '../secrets/secret-option.ts';
export { unknownVariables } from './environment.ts';
export { exposureWarning } from './exposure-warning.ts';
export { configWith } from './config-with.ts';
export { isLoopback } from '../http/known-hosts.ts';
export { type TargetConcerns, targetConcerns } from '../targets/target-concerns.ts';
export { tlsWarnings } from '../tls/tls-warnings.ts';
export type { Kind, NamedFiles } from './kinds.ts';
export type { DtmNote } from './dtm/dtm-config.ts';
export { type ConfigSources, givenConfig, loadConfig, statesConfig, withFileValues } from './load-config.ts';
export {
  defaultOf,
  filesOf,
  flagOf,
  OPTION_NAMES,
  type OptionFile,
  type OptionName,
  OPTIONS,
  type OptionSpec,
  reloadedFilesOf,
  type ServerConfig,
  variableOf,
} from './options.ts';
