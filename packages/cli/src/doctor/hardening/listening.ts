import { isLoopback, OPTIONS, type ServerConfig } from '@holdfast/server/config';
import { DEFAULT_MIN_VERSION } from 'node:tls';
import { type Finding, ok, warn, fail } from '../finding.ts';
import type { HardeningItem } from './installation.ts';

/** Whether callers have to prove who they are. */
export const isAuthenticated = ({ auth, tlsPrincipals }: ServerConfig): boolean => auth || tlsPrincipals !== '';

/** Whether other machines may reach the ports. */
export const isExposed = ({ host }: ServerConfig): boolean => !isLoopback(host);

const only = (host: string): string => `listens on ${host} only`;

export const authentication: HardeningItem = {
  name: 'authentication',
  check({ config }) {
    const { name } = authentication;
    if (isAuthenticated(config)) return [ok(name, config.auth ? '--auth is on' : '--tls-principals is on')];
    if (!isExposed(config)) return [ok(name, only(config.host))];
    return [warn(name, `every client that reaches ${config.host} may do everything`, 'specify --auth')];
  },
};

export const insecureFlag: HardeningItem = {
  name: 'insecure flag',
  check({ config }) {
    const { name } = insecureFlag;
    if (!config.insecure) return [ok(name, '--insecure is off')];
    const found = isAuthenticated(config)
      ? '--insecure is set: without authentication, a later start would open the port to everyone'
      : '--insecure is set';
    return [warn(name, found, 'remove --insecure; listening beyond loopback needs --auth instead')];
  },
};

export const portsEncryption: HardeningItem = {
  name: 'encryption of ports',
  check({ config }) {
    const { name } = portsEncryption;
    if (config.tlsCertFile !== '') return [ok(name, config.grpc ? 'HTTP and gRPC use TLS' : 'HTTP uses TLS')];
    if (!isExposed(config)) return [ok(name, only(config.host))];
    const found = `tokens and payloads cross the network to ${config.host} unencrypted`;
    return [warn(name, found, 'specify --tls-cert-file and --tls-key-file, also behind a proxy that ends TLS')];
  },
};

export const tlsVersions: HardeningItem = {
  name: 'tls versions',
  check({ config, process: { env } }) {
    const { name } = tlsVersions;
    const old = [/--tls-min-v1\.[01]\b/.exec(env['NODE_OPTIONS'] ?? '')?.[0], lowestInUrl(config.store)];
    const found = old.filter((text) => text !== undefined);
    if (found.length > 0) return [fail(name, `${found.join(' and ')} allows TLS before 1.2`, 'remove this setting')];
    if (/^TLSv1(?:\.1)?$/.test(DEFAULT_MIN_VERSION))
      return [fail(name, `this process allows ${DEFAULT_MIN_VERSION}`, 'remove the option --tls-min-v1.x of Node.js')];
    return [ok(name, 'TLS 1.2 or later, for the ports, branches and the store')];
  },
};

/** The minimum that the JSON of a store's URL sets, if it is too low. */
function lowestInUrl(store: string): string | undefined {
  if (!URL.canParse(store)) return undefined;
  const { searchParams } = new URL(store);
  const text = [searchParams.get('ssl'), searchParams.get('tls')].join(' ');
  return /"minVersion"\s*:\s*"TLSv1(?:\.1)?"/.test(text) ? 'minVersion in the URL of --store' : undefined;
}

export const hostNames: HardeningItem = {
  name: 'host names',
  check({ config }) {
    const { name } = hostNames;
    const { allowedHosts } = config;
    const fix = 'list the names of the coordinator and its proxies in --allowed-hosts';
    if (allowedHosts.includes('*'))
      return [warn(name, '--allowed-hosts * lets pages of any name call the coordinator (DNS rebinding)', fix)];
    if (isExposed(config) && !isAuthenticated(config) && allowedHosts.length === 0)
      return [warn(name, 'without authentication, pages of any name may call the coordinator (DNS rebinding)', fix)];
    return [ok(name, allowedHosts.length > 0 ? allowedHosts.join(', ') : 'no further names')];
  },
};

export const limits: HardeningItem = {
  name: 'limits',
  check({ config }) {
    const { name } = limits;
    const { principalRate, principalBytes, principalInFlight } = config;
    if (!isAuthenticated(config)) return [ok(name, 'callers are not distinguished without authentication')];
    const isLimited = principalRate > 0 || principalBytes > 0 || principalInFlight > 0;
    if (isLimited) return [ok(name, 'callers have limits')];
    const fix = 'specify --principal-rate and --principal-in-flight';
    return [warn(name, 'one caller can use the whole capacity of the coordinator', fix)];
  },
};

const DAY_MS = 86_400_000;
const SHORT_RETENTION_MS = 90 * DAY_MS;

export const auditLog: HardeningItem = {
  name: 'audit log',
  check({ config }): readonly Finding[] {
    const { name } = auditLog;
    const { audit, auditRetention, auditMaxEntries } = config;
    const isOn = audit === 'on' || (audit === 'auto' && isAuthenticated(config));
    if (!isOn) {
      if (audit === 'auto' && !isExposed(config)) return [ok(name, `off without authentication; ${only(config.host)}`)];
      return [warn(name, 'actions of operators are not recorded', 'set --audit to auto or on, with --auth')];
    }
    const days = Math.floor(auditRetention / DAY_MS);
    if (auditRetention > 0 && auditRetention < SHORT_RETENTION_MS)
      return [warn(name, `entries are deleted after ${days} days`, 'set --audit-retention to 90d or more')];
    if (auditMaxEntries < OPTIONS.auditMaxEntries.default / 10)
      return [warn(name, `actions are rejected beyond ${auditMaxEntries} entries`, 'raise --audit-max-entries')];
    return [ok(name, auditRetention === 0 ? 'on, kept forever' : `on, kept for ${days} days`)];
  },
};
