import { checkConfig } from './check-config.ts';
import { OPTION_NAMES, OPTIONS, type ServerConfig } from './options.ts';

/** A configuration from parsed values; missing ones take their defaults. Throws `ConfigError`. */
export function configWith(values: Partial<ServerConfig>): ServerConfig {
  const defaults = Object.fromEntries(OPTION_NAMES.map((name) => [name, OPTIONS[name].default]));
  const config = { ...defaults, ...freePortsOf(values), ...values } as ServerConfig;
  checkConfig(config);
  return config;
}

/** A coordinator on any free HTTP port takes any free port for gRPC as well. */
const freePortsOf = ({ httpPort }: Partial<ServerConfig>): Partial<ServerConfig> =>
  httpPort === 0 ? { grpcPort: 0 } : {};
