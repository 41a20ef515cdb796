import type { OptionName } from '../options.ts';

/** A setting of dtm: its path in dtm's file, how its value is read, and its meaning here. */
export type DtmKey =
  /** Becomes an option, in the unit given by `unit`. */
  | {
      readonly path: string;
      readonly kind: 'option';
      readonly option: OptionName;
      readonly unit: Unit;
    }
  /** A part of the URL of the store. */
  | { readonly path: string; readonly kind: 'store'; readonly isNumber?: true }
  /** How long transactions are kept, which depends on the store. */
  | { readonly path: string; readonly kind: 'retention' }
  /** Has no counterpart; `warns` if its effect is missing here. */
  | {
      readonly path: string;
      readonly kind: 'ignored';
      readonly why: string;
      readonly isNumber?: true;
      readonly warns?: true;
    };

/** How a value is read: seconds of at least 1, a number of at least 0, a port, or a text. */
export type Unit = 'seconds' | 'count' | 'port' | 'text' | 'level';

const option = (path: string, to: OptionName, unit: Unit): DtmKey => ({ path, kind: 'option', option: to, unit });
const store = (path: string): DtmKey => ({ path, kind: 'store' });
const ignored = (path: string, why: string): DtmKey => ({ path, kind: 'ignored', why });
const ignoredNumber = (path: string, why: string): DtmKey => ({ path, kind: 'ignored', why, isNumber: true });
const missed = (path: string, why: string): DtmKey => ({ path, kind: 'ignored', why, warns: true });

const POOL = 'a node uses a fixed, small number of connections, because writes are sent in batches';
const BATCHES = 'the results of branches are always written in batches, and before anything depends on them';
const DISCOVERY = 'Holdfast does not register itself; give clients its address, or the name of a load balancer';
const LOGS = 'the log is written to standard output, for the process manager to keep and rotate';

/** Every setting of dtm 1.19. */
export const DTM_KEYS: readonly DtmKey[] = [
  store('Store.Driver'),
  store('Store.Host'),
  { path: 'Store.Port', kind: 'store', isNumber: true },
  store('Store.User'),
  store('Store.Password'),
  store('Store.Db'),
  store('Store.Schema'),
  store('Store.RedisPrefix'),
  ignoredNumber('Store.MaxOpenConns', POOL),
  ignoredNumber('Store.MaxIdleConns', POOL),
  ignoredNumber('Store.ConnMaxLifeTime', POOL),
  { path: 'Store.DataExpire', kind: 'retention' },
  { path: 'Store.FinishedDataExpire', kind: 'retention' },
  option('TransCronInterval', 'poll', 'seconds'),
  option('TimeoutToFail', 'timeoutToFail', 'seconds'),
  option('RetryInterval', 'retryInterval', 'seconds'),
  option('RequestTimeout', 'requestTimeout', 'seconds'),
  option('HttpPort', 'httpPort', 'port'),
  option('GrpcPort', 'grpcPort', 'port'),
  ignoredNumber('JsonRpcPort', 'JSON-RPC is served on the port of HTTP, at /api/json-rpc'),
  missed('MicroService.Driver', DISCOVERY),
  missed('MicroService.Target', DISCOVERY),
  missed('MicroService.EndPoint', DISCOVERY),
  missed('HttpMicroService.Driver', DISCOVERY),
  missed('HttpMicroService.RegistryType', DISCOVERY),
  missed('HttpMicroService.RegistryAddress', DISCOVERY),
  missed('HttpMicroService.RegistryOptions', DISCOVERY),
  missed('HttpMicroService.Target', DISCOVERY),
  missed('HttpMicroService.EndPoint', DISCOVERY),
  ignoredNumber('UpdateBranchSync', BATCHES),
  ignoredNumber('UpdateBranchAsyncGoroutineNum', BATCHES),
  option('LogLevel', 'logLevel', 'level'),
  ignored('Log.Outputs', LOGS),
  ignoredNumber('Log.RotationEnable', LOGS),
  ignored('Log.RotationConfigJSON', LOGS),
  ignored('TimeZoneOffset', 'times are stored and returned independently of time zones'),
  ignoredNumber('ConfigUpdateInterval', 'topics are read from the store when a message is submitted'),
  option('AlertRetryLimit', 'alertAfterRetries', 'count'),
  option('AlertWebHook', 'alertWebhook', 'text'),
  ignored('AdminBasePath', "dtm's admin pages are not served; use the commands of holdfast"),
];

/** The groups of settings, such as `Store`. */
export const DTM_GROUPS: ReadonlySet<string> = new Set(
  DTM_KEYS.flatMap(({ path }) => (path.includes('.') ? [path.slice(0, path.indexOf('.'))] : [])),
);

/** `MicroService.EndPoint` → `MICRO_SERVICE_END_POINT`, by dtm's rule. */
export const dtmVariableOf = (path: string): string =>
  path
    .replaceAll('.', '_')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .replaceAll(/([a-z])([A-Z]+)/g, '$1_$2')
    .toUpperCase();
