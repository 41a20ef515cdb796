import { DEFAULT_ENGINE_OPTIONS as ENGINE } from '@holdfast/core/engine';
import { LIMITS } from '@holdfast/protocol';
import { HTTP_SERVER_LIMITS } from '../http/http-settings.ts';
import {
  bytes,
  choice,
  count,
  duration,
  file,
  firstSecretFile,
  flag,
  type Kind,
  list,
  type NamedFiles,
  port,
  secret,
  secretFile,
  secretFiles,
  secretFolder,
  text,
} from './kinds.ts';

/**
 * Every option of the server. The command line (`--http-port`), the environment
 * (`HOLDFAST_HTTP_PORT`), the config file (`httpPort`), the help and the table in
 * `docs/configuration.md` are derived from this table.
 */
export interface OptionSpec<T> {
  readonly kind: Kind<T>;
  readonly default: T;
  /** Help text: one line without a full stop. */
  readonly help: string;
}

const option = <T>(kind: Kind<T>, preset: T, help: string): OptionSpec<T> => ({ kind, default: preset, help });

export const OPTIONS = {
  store: option(
    secret,
    'lmdb:./data',
    'where transactions are kept: memory:, lmdb:PATH, postgres://…, mysql://… or redis://…; file:PATH reads this from a file',
  ),
  storeTlsCaFile: option(
    file,
    '',
    "authorities, PEM, that verify the database of --store instead of the system's; each connection reads it",
  ),
  storeTlsCertFile: option(file, '', 'client certificate for the database of --store, PEM'),
  storeTlsKeyFile: option(secretFile, '', 'private key of --store-tls-cert-file, PEM, not encrypted'),
  storeTlsServerName: option(text, '', "name in the database's certificate, if it differs from the host in --store"),
  host: option(
    text,
    '127.0.0.1',
    'address to listen on; an address other than loopback requires --auth, --tls-principals or --insecure',
  ),
  httpPort: option(port, 36_789, 'port of REST, JSON-RPC and /api/v1; 0 picks a free port'),
  grpcPort: option(port, 36_790, 'port of gRPC; 0, the default if --http-port is 0, picks a free port'),
  grpc: option(flag, true, 'serve gRPC'),
  workers: option(count, 1, 'number of processes that share the port; 1 on memory: and lmdb:'),
  allowedHosts: option(
    list,
    [],
    'further host names that clients may send in Host, such as the name of a proxy; * allows all',
  ),
  dtmGetCommands: option(
    flag,
    true,
    "serve dtm's GET requests that change something (subscribe, unsubscribe, resetCronTime); never to browsers",
  ),
  tlsCertFile: option(file, '', 'certificate of the server with its chain, PEM; serves https and gRPC over TLS'),
  tlsKeyFile: option(secretFile, '', 'private key of --tls-cert-file, PEM, not encrypted'),
  tlsClientCaFile: option(file, '', 'authorities, PEM, whose client certificates are accepted (mTLS)'),
  tlsClientAuth: option(
    choice('required', 'optional'),
    'required',
    'with --tls-client-ca-file: whether clients must have a certificate (required), or may (optional)',
  ),
  tlsPrincipals: option(
    file,
    '',
    'file, YAML or JSON, with the principals, roles and namespaces of client certificates',
  ),
  auth: option(flag, false, 'serve only callers with an API token or a JWT of --oidc-issuer, except for health probes'),
  bootstrapTokenFile: option(
    firstSecretFile,
    '',
    'file with the first API token of a new store (holdfast token generate); without it, the first start prints one',
  ),
  principalRate: option(
    count,
    0,
    'requests per second that each authenticated principal may send to a node; 0: any number',
  ),
  principalBurst: option(count, 0, 'requests that a principal may send at once; 0: those of one second'),
  principalBytes: option(
    bytes,
    0,
    'bytes of request bodies per second that each authenticated principal may send to a node; 0: any number',
  ),
  principalInFlight: option(
    count,
    0,
    'unfinished transactions of each authenticated principal that a node accepts; 0: any number',
  ),
  oidcIssuer: option(
    text,
    '',
    'accept JWTs of this OpenID Connect issuer, written as in its claim iss; requires --auth',
  ),
  oidcAudience: option(text, '', 'the audience (aud) of JWTs for this coordinator'),
  oidcJwksUrl: option(text, '', "URL of the issuer's keys; by default its discovery document states it"),
  oidcCaFile: option(file, '', "authorities, PEM, that verify the host of --oidc-issuer instead of the system's"),
  oidcRolesClaim: option(
    text,
    'holdfast_roles',
    'claim with the roles of the caller; a path such as realm_access.roles for a nested one',
  ),
  oidcRoles: option(
    list,
    [],
    'roles for values of the claim, such as payments-admins=admin; by default its values are the names of roles',
  ),
  oidcNamespacesClaim: option(
    text,
    '',
    'claim with the namespaces of the caller, * for all; by default every JWT is valid in all namespaces',
  ),
  insecure: option(flag, false, 'allow listening beyond loopback without authentication'),
  node: option(text, '', 'display name of this node; HOST-PID by default'),
  groups: option(list, ENGINE.groups, 'application groups whose local:// branches this process hosts'),

  retryInterval: option(
    duration,
    ENGINE.retryIntervalMs,
    'wait before the first retry, unless the transaction specifies it',
  ),
  maxRetryInterval: option(duration, ENGINE.maxRetryIntervalMs, 'longest wait before a retry'),
  timeoutToFail: option(
    duration,
    ENGINE.timeoutToFailMs,
    'time after which a prepared tcc or xa is rolled back and a prepared message is checked back, unless the transaction specifies it',
  ),
  requestTimeout: option(
    duration,
    ENGINE.requestTimeoutMs,
    'timeout of a branch call, unless the transaction specifies it',
  ),
  alertAfterRetries: option(
    count,
    ENGINE.alertAfterRetries,
    'number of retries after which a transaction needs operator attention',
  ),
  alertWebhook: option(
    secret,
    '',
    'webhook URL; receives a POST for each transaction that needs operator attention; file:PATH reads it from a file',
  ),
  maxClaims: option(count, ENGINE.maxClaims, 'number of claims without progress after which a transaction is parked'),
  retention: option(duration, ENGINE.retentionMs, 'how long finished transactions are kept; 0 keeps them forever'),

  audit: option(
    choice('auto', 'on', 'off'),
    'auto',
    'record operator actions and changes of tokens and settings; auto: if authentication is on',
  ),
  auditRetention: option(
    duration,
    365 * 86_400_000,
    'how long entries of the audit log are kept; 0 keeps them forever',
  ),
  auditMaxEntries: option(count, 1_000_000, 'number of entries of the audit log at which further actions are rejected'),

  heartbeat: option(duration, ENGINE.heartbeatMs, 'interval between heartbeats of a node'),
  silence: option(
    duration,
    ENGINE.silenceMs,
    'time without a heartbeat after which the work of a node is taken over; at least two heartbeat intervals',
  ),
  poll: option(duration, ENGINE.pollMs, 'longest interval between polls of the store for due work'),
  progressFlush: option(duration, ENGINE.progressFlushMs, 'longest delay before progress is written'),
  drainTimeout: option(duration, 10_000, 'how long a stopping node waits for the transactions in progress'),

  maxInProgress: option(
    count,
    ENGINE.maxInProgress,
    'transactions in progress at once; further ones wait in the store',
  ),
  maxCallsPerDestination: option(
    count,
    ENGINE.maxCallsPerDestination,
    'concurrent calls to one host, each over its own connection; more help if its calls take long',
  ),
  maxQueuedPerDestination: option(
    count,
    ENGINE.maxQueuedPerDestination,
    'transactions whose calls to one host wait in memory',
  ),
  maxWaiters: option(count, ENGINE.maxWaiters, 'callers that wait for a result at once'),
  maxWatched: option(
    count,
    ENGINE.maxWatched,
    'transactions that callers watch at once, each counted once for each caller',
  ),
  maxWait: option(duration, ENGINE.maxWaitMs, 'longest wait of one request for a result'),
  maxQueuedWrites: option(
    count,
    ENGINE.maxQueuedWrites,
    'writes that wait for the store; beyond this, new transactions are rejected',
  ),
  claimBatch: option(count, ENGINE.claimBatch, 'due transactions claimed at once'),
  batchItems: option(count, ENGINE.batchItems, 'writes in one batch'),
  batchBytes: option(bytes, ENGINE.batchBytes, 'bytes in one batch'),

  maxBodyBytes: option(bytes, LIMITS.bodyBytes, 'longest request body'),
  maxSteps: option(count, LIMITS.steps, `steps of one transaction, at most ${LIMITS.steps}`),
  maxPayloadBytes: option(bytes, LIMITS.payloadBytes, 'longest payload of a step or branch, at most 1MiB'),
  maxPageSize: option(count, LIMITS.pageSize, `entries of one page of a list, at most ${LIMITS.pageSize}`),
  maxConnections: option(count, HTTP_SERVER_LIMITS.maxConnections, 'concurrent client connections'),

  branchTargets: option(
    list,
    [],
    'rules for the hosts that branches may have, such as https://*.shop.example:443 or 10.0.0.0/8',
  ),
  branchTargetsFile: option(file, '', 'YAML or JSON file with rules for branch targets, also per namespace'),
  branchClient: option(
    choice('own', 'undici'),
    'own',
    'client for branch calls over HTTP: own (the HTTP/1.1 client of Holdfast) or undici (the library)',
  ),
  branchTlsCaFile: option(
    file,
    '',
    "authorities, PEM, that verify branches and webhooks with https and grpcs, in addition to the system's",
  ),
  branchTlsCertFile: option(file, '', 'client certificate for branches and webhooks that request one, PEM'),
  branchTlsKeyFile: option(secretFile, '', 'private key of --branch-tls-cert-file, PEM, not encrypted'),
  signingKeyFile: option(
    secretFiles,
    [],
    'files with the keys that sign branch calls and webhooks (whsec_…, whsk_… or PEM); all keys sign, in order',
  ),
  secretsDir: option(
    secretFolder,
    '',
    'folder with secrets that branch_headers may name (secret:NAME): files NAME and NAMESPACE/NAME',
  ),
  nameLookup: option(
    choice('own', 'system'),
    'own',
    'lookup of host names of branches: own (hosts file and DNS, off the thread pool) or system (getaddrinfo)',
  ),
  requestReader: option(
    choice('own', 'node'),
    'own',
    'reader of requests: own (common requests; node:http reads the rest) or node (node:http reads all)',
  ),
  grpcServer: option(
    choice('own', 'grpc-js'),
    'own',
    'gRPC server: own (the server of Holdfast) or grpc-js (the library)',
  ),

  logLevel: option(choice('debug', 'info', 'warn', 'error', 'silent'), 'info', 'lowest level that is logged'),
  logFormat: option(choice('auto', 'pretty', 'json'), 'auto', 'auto is pretty on a terminal and json otherwise'),
} as const;

export type OptionName = keyof typeof OPTIONS;

/** The server's configuration. Times are milliseconds, sizes bytes. */
export type ServerConfig = {
  readonly [Name in OptionName]: (typeof OPTIONS)[Name] extends OptionSpec<infer T> ? T : never;
};

export const OPTION_NAMES = Object.keys(OPTIONS) as OptionName[];

/** `httpPort` → `--http-port`. */
export const flagOf = (name: string): string => `--${kebab(name)}`;

/** `httpPort` → `HOLDFAST_HTTP_PORT`. */
export const variableOf = (name: string): string => `HOLDFAST_${kebab(name).replaceAll('-', '_').toUpperCase()}`;

const kebab = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** The default as a user would write it; empty if there is none. */
export function defaultOf(name: OptionName): string {
  const { kind, default: preset } = OPTIONS[name] as OptionSpec<unknown>;
  return kind.show(preset);
}

/** A file or folder that an option names. */
export interface OptionFile extends Pick<NamedFiles<unknown>, 'content' | 'isFolder' | 'isReloaded'> {
  readonly name: OptionName;
  readonly path: string;
}

/** The files and folders that the options name, in the order of the table. */
export const filesOf = (config: ServerConfig): readonly OptionFile[] =>
  OPTION_NAMES.flatMap((name) => {
    const { names } = OPTIONS[name].kind as Kind<unknown>;
    if (names === undefined) return [];
    const { content, isFolder, isReloaded } = names;
    return names.pathsIn(config[name]).map((path) => ({ name, path, content, isFolder, isReloaded }));
  });

/**
 * The options that name files or folders which are read again when they change, and at SIGHUP;
 * empty: SIGHUP stops the server.
 */
export const reloadedFilesOf = (config: ServerConfig): readonly OptionName[] => [
  ...new Set(filesOf(config).flatMap(({ name, isReloaded }) => (isReloaded ? [name] : []))),
];
