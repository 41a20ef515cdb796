import { DEFAULT_ENGINE_OPTIONS as ENGINE } from '@holdfast/core';
import { LIMITS } from '@holdfast/protocol';
import { HTTP_SERVER_LIMITS } from '@holdfast/runtime';
import { bytes, choice, count, duration, flag, type Kind, list, port, text } from './kinds.ts';

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
    text,
    'lmdb:./data',
    'where transactions are kept: memory:, lmdb:PATH, postgres://…, mysql://… or redis://…',
  ),
  host: option(text, '127.0.0.1', 'address to listen on; anything but loopback needs --insecure'),
  httpPort: option(port, 36_789, 'port of REST, JSON-RPC and /api/v1; 0 takes a free one'),
  grpcPort: option(port, 36_790, 'port of gRPC; not served by this version'),
  workers: option(count, 1, 'processes on one port; memory: and lmdb: allow one'),
  allowedHosts: option(
    list,
    [],
    'further names by which clients may address this coordinator (Host), such as that of a proxy; * allows all',
  ),
  dtmGetCommands: option(
    flag,
    true,
    "serve dtm's GETs that change something (subscribe, unsubscribe, resetCronTime); never to browsers",
  ),
  insecure: option(flag, false, 'listen beyond loopback although nobody has to prove who they are'),
  node: option(text, '', 'name of this node for people; HOST-PID unless said'),
  groups: option(list, ENGINE.groups, 'application groups whose local:// branches this process hosts'),

  retryInterval: option(
    duration,
    ENGINE.retryIntervalMs,
    'first wait before a retry, when the transaction does not say',
  ),
  maxRetryInterval: option(duration, ENGINE.maxRetryIntervalMs, 'longest wait before a retry'),
  timeoutToFail: option(
    duration,
    ENGINE.timeoutToFailMs,
    'a prepared tcc or xa is rolled back, a prepared message asked about, after so long, when the transaction does not say',
  ),
  requestTimeout: option(
    duration,
    ENGINE.requestTimeoutMs,
    'time-out of a branch call, when the transaction does not say',
  ),
  alertAfterRetries: option(count, ENGINE.alertAfterRetries, 'retries after which a transaction needs a person'),
  alertWebHook: option(text, '', 'URL that is told (POST) about each transaction that needs a person'),
  maxClaims: option(count, ENGINE.maxClaims, 'a transaction that was claimed so often without progress is parked'),
  retention: option(duration, ENGINE.retentionMs, 'finished transactions are deleted after so long; 0: never'),

  heartbeat: option(duration, ENGINE.heartbeatMs, 'how often a node says that it lives'),
  silence: option(
    duration,
    ENGINE.silenceMs,
    'the work of a node silent for so long is taken over; at least two heartbeats',
  ),
  poll: option(duration, ENGINE.pollMs, 'the store is asked for due work at least so often'),
  progressFlush: option(duration, ENGINE.progressFlushMs, 'progress is written at the latest after so long'),
  drainTimeout: option(duration, 10_000, 'how long a stopping node waits for what it drives'),

  maxInProgress: option(count, ENGINE.maxInProgress, 'transactions driven at once; further ones wait in the store'),
  maxCallsPerDestination: option(
    count,
    ENGINE.maxCallsPerDestination,
    'calls running at once to one host, each over a connection of its own',
  ),
  maxQueuedPerDestination: option(
    count,
    ENGINE.maxQueuedPerDestination,
    'transactions whose calls wait in memory for one host',
  ),
  maxWaiters: option(count, ENGINE.maxWaiters, 'callers waiting for results at once'),
  maxWait: option(duration, ENGINE.maxWaitMs, 'longest wait of one call for a result'),
  maxQueuedWrites: option(
    count,
    ENGINE.maxQueuedWrites,
    'writes waiting for the store; beyond it new transactions are refused',
  ),
  claimBatch: option(count, ENGINE.claimBatch, 'due transactions taken from the store at once'),
  batchItems: option(count, ENGINE.batchItems, 'writes in one batch'),
  batchBytes: option(bytes, ENGINE.batchBytes, 'bytes in one batch'),

  maxBodyBytes: option(bytes, LIMITS.bodyBytes, 'longest request body'),
  maxSteps: option(count, LIMITS.steps, `steps of one transaction, at most ${LIMITS.steps}`),
  maxPayloadBytes: option(bytes, LIMITS.payloadBytes, 'longest payload of a step or branch, at most 1MiB'),
  maxPageSize: option(count, LIMITS.pageSize, `entries of one page of a list, at most ${LIMITS.pageSize}`),
  maxConnections: option(count, HTTP_SERVER_LIMITS.maxConnections, 'connections at once'),

  branchClient: option(
    choice('own', 'undici'),
    'own',
    'what calls branches over HTTP: own (the HTTP/1.1 client of Holdfast) or undici (the library)',
  ),
  nameLookup: option(
    choice('own', 'system'),
    'own',
    'how names of branches are looked up: own (hosts file and DNS, off the thread pool) or system (getaddrinfo)',
  ),
  requestReader: option(
    choice('own', 'node'),
    'own',
    'what reads requests: own (the usual kind; node:http reads the rest) or node (node:http reads all)',
  ),

  logLevel: option(choice('debug', 'info', 'warn', 'error', 'silent'), 'info', 'least important lines to log'),
  logFormat: option(choice('auto', 'pretty', 'json'), 'auto', 'auto: pretty on a terminal, JSON otherwise'),
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
