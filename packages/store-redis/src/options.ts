import { checkedTimeout, SESSION_TIMEOUT_MS, StoreError } from '@holdfast/core';

/** Settings of the store on Redis. */
export interface RedisStoreOptions {
  /** `redis://user:password@host:port/db`, or `rediss://` for TLS. `?prefix=NAME` says what all keys begin with. */
  readonly url: string;
  /** What all keys begin with, as their hash tag; `holdfast` unless this or the URL says otherwise. */
  readonly prefix?: string;
  /** How long a connection may take to come up; 5 s unless said. */
  readonly connectTimeoutMs?: number;
  /** How long an answer may take before the connection is given up; 30 s unless said. */
  readonly commandTimeoutMs?: number;
  /** Hears, at each `open`, what a crash of Redis may lose. */
  readonly onWarning?: (text: string) => void;
  /** Replaces the server's wall clock, ms since the epoch: for tests. */
  readonly wallMs?: () => number;
  /** Replaces the node's monotonic clock, in ms: for tests. */
  readonly monotonicMs?: () => number;
}

/** Options, checked. */
export interface Settings {
  readonly url: string;
  /** Host and port, for messages. */
  readonly place: string;
  readonly prefix: string;
  readonly connectTimeoutMs: number;
  readonly commandTimeoutMs: number;
  readonly onWarning: (text: string) => void;
  readonly wallMs: (() => number) | undefined;
  readonly monotonicMs: () => number;
}

/** Without braces, so that it is the whole hash tag. */
const PREFIX = /^[A-Za-z0-9_.:-]{1,64}$/;

const invalid = (message: string): StoreError => new StoreError('invalid', message);

/** The settings of the connection for sessions: neither a script nor connecting may take long. */
export const forSessions = (settings: Settings): Settings => ({
  ...settings,
  connectTimeoutMs: Math.min(settings.connectTimeoutMs, SESSION_TIMEOUT_MS),
  commandTimeoutMs: Math.min(settings.commandTimeoutMs, SESSION_TIMEOUT_MS),
});

/** Checks options. Throws `StoreError` `invalid`; no message repeats the URL, for a password may stand in it. */
export function settingsOf(options: RedisStoreOptions): Settings {
  if (!URL.canParse(options.url))
    throw invalid('the store URL cannot be read; it looks like redis://user:password@host:6379/0');
  const url = new URL(options.url);
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:')
    throw invalid('a store URL of Redis begins with redis:// or rediss://');
  if (!/^(\/\d{0,5})?$/.test(url.pathname))
    throw invalid('the path of a store URL of Redis is the number of a database');
  // The client would take any setting from here, such as one that queues writes behind our back.
  for (const name of url.searchParams.keys())
    if (name !== 'prefix')
      throw invalid(`the store URL has the parameter ${JSON.stringify(name)}; only prefix is known`);
  const prefix = options.prefix ?? url.searchParams.get('prefix') ?? 'holdfast';
  if (!PREFIX.test(prefix))
    throw invalid(`the key prefix ${JSON.stringify(prefix)} cannot be used: 1 to 64 of letters, digits, _ . : and -`);
  url.search = '';
  return {
    url: url.href,
    place: url.host,
    prefix,
    connectTimeoutMs: checkedTimeout('connectTimeoutMs', options.connectTimeoutMs ?? 5_000),
    commandTimeoutMs: checkedTimeout('commandTimeoutMs', options.commandTimeoutMs ?? 30_000),
    onWarning: options.onWarning ?? (() => undefined),
    wallMs: options.wallMs,
    monotonicMs: options.monotonicMs ?? performance.now.bind(performance),
  };
}
