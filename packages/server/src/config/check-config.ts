import { LIMITS } from '@holdfast/protocol';
import { isLoopback } from '../http/known-hosts.ts';
import { oidcSettingsOf } from '../oidc/oidc-settings.ts';
import { ConfigError } from './config-error.ts';
import { flagOf, type ServerConfig } from './options.ts';

/** Checks rules that span several options. Throws `ConfigError`. */
export function checkConfig(config: ServerConfig): void {
  checkHost(config);
  checkAllowedHosts(config);
  checkAuth(config);
  checkWorkers(config);
  checkTls(config);
  oidcSettingsOf(config);
  if (config.silence < 2 * config.heartbeat)
    throw new ConfigError('--silence must be at least twice --heartbeat, otherwise live nodes are declared dead');
  if (config.alertWebhook !== '' && !/^(?:https?:\/\/|file:)/i.test(config.alertWebhook))
    throw new ConfigError(
      '--alert-webhook must be an http:// or https:// URL, or file: and the path of a file with one',
      'alertWebhook',
    );
  for (const name of MUST_BE_POSITIVE) {
    if (config[name] < 1) throw new ConfigError(`${flagOf(name)} must be at least 1`, name);
  }
  if (config.auditRetention !== 0 && config.auditRetention < DAY_MS)
    throw new ConfigError('--audit-retention must be at least 1d, or 0 to keep entries forever', 'auditRetention');
  if (config.auditMaxEntries < LEAST_AUDIT_ENTRIES)
    throw new ConfigError(`--audit-max-entries must be at least ${LEAST_AUDIT_ENTRIES}`, 'auditMaxEntries');
  checkBound(config, 'maxSteps', LIMITS.steps);
  checkBound(config, 'maxPayloadBytes', LIMITS.payloadBytes);
  checkBound(config, 'maxPageSize', LIMITS.pageSize);
  checkBound(config, 'requestTimeout', LIMITS.requestTimeoutMs, ' (10 minutes)');
  for (const name of ['retryInterval', 'maxRetryInterval', 'timeoutToFail'] as const)
    checkBound(config, name, LIMITS.retryIntervalMs, ' (365 days)');
}

/** Half a configuration would serve without TLS, or without checking clients. */
function checkTls(config: ServerConfig): void {
  for (const [name, needed] of TLS_NEEDS) {
    if (config[name] === '' || config[needed] !== '') continue;
    throw new ConfigError(`${flagOf(name)} requires ${flagOf(needed)}`, name);
  }
  if (config.tlsClientAuth !== 'required' && config.tlsClientCaFile === '')
    throw new ConfigError('--tls-client-auth requires --tls-client-ca-file', 'tlsClientAuth');
}

const TLS_NEEDS = [
  ['tlsCertFile', 'tlsKeyFile'],
  ['tlsKeyFile', 'tlsCertFile'],
  ['tlsClientCaFile', 'tlsCertFile'],
  ['tlsPrincipals', 'tlsClientCaFile'],
  ['branchTlsCertFile', 'branchTlsKeyFile'],
  ['branchTlsKeyFile', 'branchTlsCertFile'],
  ['storeTlsCertFile', 'storeTlsKeyFile'],
  ['storeTlsKeyFile', 'storeTlsCertFile'],
] as const satisfies readonly (readonly [keyof ServerConfig, keyof ServerConfig])[];

/** More than any machine can use. */
const MOST_WORKERS = 128;
const ONE_PROCESS_STORES = ['memory', 'lmdb'];

function checkWorkers({ workers, store }: ServerConfig): void {
  if (workers > MOST_WORKERS) throw new ConfigError(`--workers must be at most ${MOST_WORKERS}`);
  const [scheme = ''] = store.split(':', 1);
  if (workers > 1 && ONE_PROCESS_STORES.includes(scheme))
    throw new ConfigError(
      `--workers ${workers}: a ${scheme}: store cannot be shared by several processes; use --workers 1, or a database`,
    );
}

const DAY_MS = 86_400_000;
const LEAST_AUDIT_ENTRIES = 1_000;

const MUST_BE_POSITIVE = [
  'workers',
  'retryInterval',
  'maxRetryInterval',
  'timeoutToFail',
  'requestTimeout',
  'maxClaims',
  'heartbeat',
  'poll',
  'maxInProgress',
  'maxCallsPerDestination',
  'maxWaiters',
  'maxWatched',
  'maxWait',
  'maxQueuedWrites',
  'claimBatch',
  'batchItems',
  'batchBytes',
  'maxBodyBytes',
  'maxSteps',
  'maxPayloadBytes',
  'maxPageSize',
  'maxConnections',
] as const satisfies readonly (keyof ServerConfig)[];

type Bounded =
  | 'maxSteps'
  | 'maxPayloadBytes'
  | 'maxPageSize'
  | 'requestTimeout'
  | 'retryInterval'
  | 'maxRetryInterval'
  | 'timeoutToFail';

function checkBound(config: ServerConfig, name: Bounded, bound: number, inWords = ''): void {
  if (config[name] > bound) throw new ConfigError(`${flagOf(name)} must be at most ${bound}${inWords}`, name);
}

function checkAllowedHosts({ allowedHosts }: ServerConfig): void {
  for (const name of allowedHosts) {
    if (/^(?:\*|[\w.-]+|\[?[\da-f:.]+\]?)$/i.test(name)) continue;
    throw new ConfigError(`--allowed-hosts ${name}: must be a name or an IP address, without scheme and port`);
  }
}

function checkAuth({ auth, bootstrapTokenFile }: ServerConfig): void {
  if (auth || bootstrapTokenFile === '') return;
  throw new ConfigError('--bootstrap-token-file has no effect without --auth; specify both', 'bootstrapTokenFile');
}

/** The last option determines callers by their certificates, and rejects those that have none. */
function checkHost({ host, insecure, auth, tlsPrincipals }: ServerConfig): void {
  if (auth || tlsPrincipals !== '' || insecure || isLoopback(host)) return;
  throw new ConfigError(
    `--host ${host}: without authentication, any client that reaches this address can make the coordinator call any URL; ` +
      'specify --auth or --tls-principals, listen on 127.0.0.1, or specify --insecure if only trusted clients can reach it',
  );
}
