import { createHash } from 'node:crypto';
import { StoreError } from '@holdfast/core/store';
import { Redis } from 'ioredis';
import type { ServerAddress, Settings } from './options.ts';
import { containStrayReplies } from './stray-replies.ts';

/**
 * A Lua script. `changes`: whether it changes anything, so that its outcome is unknown if the
 * connection is lost while it runs.
 */
export interface Script {
  readonly text: string;
  readonly sha: string;
  readonly changes: boolean;
}

/** A response of Redis. */
export type Reply = Buffer | number | null | readonly Reply[];
export type Argument = string | number | Buffer;

export const script = (text: string, changes: boolean): Script => ({
  text,
  sha: createHash('sha1').update(text).digest('hex'),
  changes,
});

/** The first word of error responses that mean that nothing was applied. */
const REFUSALS = new Set(
  'NOSCRIPT OOM LOADING READONLY MISCONF NOAUTH WRONGPASS NOPERM BUSY MOVED ASK CLUSTERDOWN TRYAGAIN CROSSSLOT NOREPLICAS MASTERDOWN WRONGTYPE'.split(
    ' ',
  ),
);
/** After these errors, another connection may lead to a usable server. */
const ELSEWHERE = new Set(['READONLY', 'MASTERDOWN', 'NOAUTH', 'WRONGPASS']);

/**
 * How the server describes a command whose length it does not accept. The server reads no further,
 * so that nothing of the command was run.
 */
const TOO_LONG = /Protocol error: (invalid|too big) (bulk|multibulk|mbulk)/;
/** Bytes that the server counts in addition to the arguments of a command. */
const COMMAND_MARGIN_BYTES = 128 * 1024;
/** No call has this number of bytes: a limit of at least this size needs no check. */
const UNREACHABLE_BYTES = 256 * 1024 * 1024;

/**
 * How Redis describes a command within a script that the account may not run. Commands before it
 * may have been applied.
 */
const FORBIDDEN_IN_SCRIPT = /user executing the script can't (run|access)|ACL failure in script/;

/** What to do about errors whose text does not describe a fix. */
const CLUSTER =
  '; it is a node of a Redis Cluster that does not have the keys of this store: use a Redis that is not part of a cluster, or the node that has them';
const FORBIDDEN = '; give the account of the store this privilege (docs/stores-redis.md)';
const FIXES: ReadonlyMap<string, string> = new Map([
  ['MOVED', CLUSTER],
  ['CLUSTERDOWN', CLUSTER],
  ['NOAUTH', ' Put USER:PASSWORD@ or :PASSWORD@ before the host of the URL'],
  ['NOPERM', FORBIDDEN],
]);
const fixOf = (code: string | undefined, text: string): string =>
  FORBIDDEN_IN_SCRIPT.test(text) ? FORBIDDEN : (FIXES.get(code ?? '') ?? '');

/** The longest command and argument that the server accepts, in bytes. */
interface Limits {
  readonly command: number;
  readonly argument: number;
}

/**
 * One connection, opened when needed and reopened after it was lost. The client's automatic
 * reconnecting and queueing are off, because they repeat commands that may have been applied.
 */
export class Connection {
  readonly #settings: Settings;
  #client: Promise<Redis> | undefined;
  #opened: Redis | undefined;
  #limits: Limits = { command: Infinity, argument: Infinity };

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /**
   * Runs a script. If the server has not loaded it (any more), nothing of it was run, and its text
   * is sent.
   */
  async run({ text, sha, changes }: Script, key: string, args: readonly Argument[]): Promise<Reply> {
    const client = await this.#connected();
    this.#assertFits(args);
    try {
      return await this.#send(client, 'EVALSHA', [sha, 1, key, ...args]);
    } catch (thrown) {
      if (codeOf(thrown) !== 'NOSCRIPT') throw this.#convert(client, thrown, changes);
    }
    try {
      return await this.#send(client, 'EVAL', [text, 1, key, ...args]);
    } catch (thrown) {
      throw this.#convert(client, thrown, changes);
    }
  }

  /** Runs a command that changes nothing. */
  async query(command: string, ...args: readonly Argument[]): Promise<Reply> {
    const client = await this.#connected();
    try {
      return await this.#send(client, command, args);
    } catch (thrown) {
      throw this.#convert(client, thrown, false);
    }
  }

  async close(): Promise<void> {
    const opening = this.#client;
    this.#client = undefined;
    const client = await opening?.catch(() => undefined);
    client?.disconnect();
  }

  /**
   * Rejects a command that is too long before it is sent: the server would close the connection,
   * mostly before its response is read, and the outcome would be unknown.
   */
  #assertFits(args: readonly Argument[]): void {
    const { command, argument } = this.#limits;
    if (command === Infinity && argument === Infinity) return;
    const lengths = args.map((each) => Buffer.byteLength(typeof each === 'number' ? String(each) : each));
    const longest = Math.max(...lengths);
    if (longest > argument) throw this.#tooLong(`${longest} bytes in one value`, argument, 'proto-max-bulk-len');
    const bytes = lengths.reduce((sum, length) => sum + length, 0);
    if (bytes + COMMAND_MARGIN_BYTES > command)
      throw this.#tooLong(`${bytes} bytes in one command`, command, 'client-query-buffer-limit');
  }

  #tooLong(what: string, limit: number, setting: string): StoreError {
    return new StoreError('rejected', `${what}; Redis at ${this.#settings.place} takes ${limit} (${setting})`);
  }

  async #send(client: Redis, command: string, args: readonly Argument[]): Promise<Reply> {
    const timer = setTimeout(() => client.disconnect(), this.#settings.commandTimeoutMs);
    try {
      return (await client.callBuffer(command, ...args)) as Reply;
    } finally {
      clearTimeout(timer);
    }
  }

  #connected(): Promise<Redis> {
    if (this.#client !== undefined) return this.#client;
    const opening = this.#open(() => {
      if (this.#client === opening) this.#client = undefined;
    });
    this.#client = opening;
    return opening;
  }

  async #open(forget: () => void): Promise<Redis> {
    const client = new Redis({
      ...(await addressOf(this.#settings.server)),
      lazyConnect: true,
      connectTimeout: this.#settings.connectTimeoutMs,
      keepAlive: 10_000,
      retryStrategy: () => null,
      reconnectOnError: () => false,
      autoResendUnfulfilledCommands: false,
      enableOfflineQueue: false,
      enableReadyCheck: false,
      enableAutoPipelining: false,
      // With RESP3 the client starts with HELLO, which a server with a password rejects before AUTH
      // (see #beginSession).
      protocol: 2,
      disableClientInfo: true,
    });
    containStrayReplies(client);
    // Pending commands reject with this error; without a listener the client prints it. While
    // connecting, the event has more detail than the promise, which rejects with "closed".
    let cause: unknown;
    client.on('error', (error) => (cause = error));
    client.on('close', forget);
    // The client limits only the time of the TCP connection, not that of its first commands.
    const timer = setTimeout(() => client.disconnect(), this.#settings.connectTimeoutMs);
    try {
      await client.connect();
      await this.#beginSession(client);
      return client;
    } catch (thrown) {
      forget();
      client.disconnect();
      if (thrown instanceof StoreError) throw thrown;
      throw this.#unusable(textOf(cause ?? thrown) + fixOf(codeOf(thrown), textOf(thrown)));
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Sends AUTH and SELECT here, and uses the connection only if both succeeded: after a rejected
   * AUTH or SELECT the client would continue, and write to database 0.
   */
  async #beginSession(client: Redis): Promise<void> {
    const { account, database } = this.#settings;
    if (account !== undefined) {
      const { user, password } = account;
      await this.#send(client, 'AUTH', user === undefined ? [password] : [user, password]);
    }
    await this.#send(client, 'PING', []);
    if (database !== 0)
      await this.#send(client, 'SELECT', [database]).catch((thrown: unknown) => {
        throw this.#unusable(`database ${database} cannot be selected: ${textOf(thrown)}`);
      });
    const role = await this.#send(client, 'INFO', ['replication']).catch(() => '');
    if (/^role:slave/m.test(String(role)))
      throw this.#unusable('it is a replica, which loses what is written to it: connect to the primary');
    this.#limits = {
      command: await this.#limit(client, 'client-query-buffer-limit'),
      argument: await this.#limit(client, 'proto-max-bulk-len'),
    };
    this.#opened = client;
  }

  /** A limit in bytes; Infinity if it cannot matter, or if CONFIG is forbidden. */
  async #limit(client: Redis, name: string): Promise<number> {
    const setting = await this.#send(client, 'CONFIG', ['GET', name]).catch(() => []);
    const bytes = Array.isArray(setting) ? Number(setting[1]) : NaN;
    return bytes > 0 && bytes < UNREACHABLE_BYTES ? bytes : Infinity;
  }

  /**
   * Discards the connection: the next call opens a new one, without waiting for this one to close.
   */
  #leave(client: Redis): void {
    if (this.#opened === client) this.#opened = this.#client = undefined;
    client.disconnect();
  }

  #unusable(why: string): StoreError {
    return new StoreError('unavailable', `Redis at ${this.#settings.place} cannot be used: ${why}`);
  }

  /**
   * Converts an error of the client. The original is not passed on, since it contains the command
   * with its arguments, including a password.
   */
  #convert(client: Redis, thrown: unknown, changes: boolean): StoreError {
    const code = codeOf(thrown);
    if (code !== undefined && ELSEWHERE.has(code)) this.#leave(client);
    if (code !== undefined && TOO_LONG.test(textOf(thrown))) {
      this.#leave(client); // The server closes it as well.
      return new StoreError(
        'rejected',
        `Redis at ${this.#settings.place} does not take a value of this length: ${textOf(thrown)} (proto-max-bulk-len)`,
      );
    }
    const applied = changes && (code === undefined || !REFUSALS.has(code));
    return new StoreError(
      applied ? 'outcome_unknown' : 'unavailable',
      `Redis at ${this.#settings.place} ${code === undefined ? 'was lost' : 'rejected a command'}: ${textOf(thrown)}${fixOf(code, textOf(thrown))}`,
    );
  }
}

const textOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

/** The code at the start of a Redis error; undefined if the error is not a response of a server. */
function codeOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || thrown.name !== 'ReplyError') return undefined;
  return thrown.message.split(' ', 1)[0];
}

/** The address for the client library, with the TLS of a new connection. */
async function addressOf(server: ServerAddress) {
  if ('path' in server) return server;
  const { host, port, tls } = server;
  return { host, port, ...(tls !== undefined && { tls: await tls.options() }) };
}
