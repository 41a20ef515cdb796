import { createHash, randomUUID } from 'node:crypto';
import { barrierId, BranchFailure, MESSAGE_BARRIER, undoingOp, undoneOp } from '@holdfast/protocol';
import {
  type Barrier,
  type BarrierOutcome,
  type BranchKey,
  CommitUnknown,
  LocalTransactionRefused,
} from './barrier.ts';
import { BarrierUnusable } from './errors.ts';
import { RedisWorkFailed } from './redis-errors.ts';
import { applyScript, CHECK_BACK_SCRIPT, ENTER_SCRIPT } from './redis-lua.ts';
import type { KeptJson } from '../kept-json.ts';
import type { ResultOptions } from '../result-types.ts';
import { type Codec, keptResult, readResult, unavailable } from './results.ts';
import { undoneBefore } from './rows.ts';
import { RedisQueue, type RedisTx } from './redis-tx.ts';
import { noteEmptyUndo } from '../participants/unguarded-work.ts';
import { type Uses, usesOf } from './uses.ts';

export interface RedisBarrierOptions {
  /**
   * Prefix of the barrier's keys. In a Redis Cluster all keys of one call must be in one slot: use
   * the hash tag of the business keys, for example `{bank}:`, or a function of the call. A branch
   * and its undo need the same prefix. Default: none, as in dtm's clients.
   */
  readonly keyPrefix?: string | ((call: BranchKey) => string);
  /**
   * How long a completed call is remembered, in ms. A later undo finds nothing to undo, and a later
   * check-back rejects, so this must exceed the duration of any transaction, including outages.
   * Default: 7 days.
   */
  readonly expireAfterMs?: number;
  /**
   * A key that takes more memory than this is not copied: only the last command can write it, not a
   * script. Default: 1 MiB.
   */
  readonly maxCopyBytes?: number;
}

/** The functions of a client library that the barrier needs. */
export interface RedisScripts {
  /** Barriers over one client and with one prefix count the uses of a request together. */
  readonly client: object;
  evalSha(sha: string, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<unknown>;
  eval(lua: string, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<unknown>;
  /**
   * Whether the error is a response of Redis; after any other error, whether the script ran is
   * unknown.
   */
  isReply(error: unknown): boolean;
}

const DEFAULT_EXPIRE_AFTER_MS = 7 * 24 * 3_600_000;
const DEFAULT_MAX_COPY_BYTES = 1024 * 1024;

/**
 * One attempt to carry out a call: the keys that record it, and the mark by which it recognises
 * itself if the client library sends it twice.
 */
interface Attempt {
  readonly call: BranchKey;
  readonly keys: readonly string[];
  readonly mark: string;
  /** The role of the third key: the op which this call undoes, or the op which undoes this call. */
  readonly role: 'undo' | 'undone' | '';
}

/**
 * The branch barrier in Redis. Its keys are those of dtm's clients, so that participants in several
 * languages share one barrier.
 */
export class RedisBarrier implements Barrier<RedisTx> {
  readonly #redis: RedisScripts;
  readonly #options: RedisBarrierOptions;
  readonly #expiry: string;
  readonly #maxCopy: string;
  readonly #uses: Uses;

  constructor(redis: RedisScripts, options: RedisBarrierOptions = {}) {
    this.#redis = redis;
    this.#options = options;
    const { keyPrefix = '' } = options;
    // Prefixes computed from the call are not shared between barriers.
    this.#uses = typeof keyPrefix === 'string' ? usesOf(redis.client, keyPrefix) : usesOf(this, '');
    this.#expiry = positive('expireAfterMs', options.expireAfterMs ?? DEFAULT_EXPIRE_AFTER_MS);
    this.#maxCopy = positive('maxCopyBytes', options.maxCopyBytes ?? DEFAULT_MAX_COPY_BYTES);
  }

  /**
   * Runs `work`, which queues commands, and then applies the queue. Simultaneous calls may each run
   * `work`; the queue is applied once.
   *
   * @throws {BranchFailure} a check or a script rejected the call: nothing was applied
   * @throws {RedisWorkFailed} a queued command or script failed
   * @throws {CommitUnknown} the response was lost; repeating the call determines the outcome
   * @throws {BarrierUseUnclear} a use after one that failed has no number
   */
  async run<T>(
    call: BranchKey,
    work: (tx: RedisTx) => T | Promise<T>,
    options?: ResultOptions<T>,
  ): Promise<BarrierOutcome<T>> {
    // A handler at the URL of a check-back would make the coordinator believe that the local
    // transaction was committed.
    if (call.op === MESSAGE_BARRIER.op)
      throw new TypeError(`Op ${call.op} of ${call.gid} is a check-back: serve it with checkBack`);
    const use = this.#uses.take(call, work);
    try {
      const codec = options?.codec as Codec;
      const outcome = await this.#run(this.#attempt(call, barrierId(use.number)), work, codec);
      if (!outcome.ran && outcome.why === 'empty') noteEmptyUndo(call);
      return outcome;
    } catch (thrown) {
      this.#uses.failed(use, undefined);
      throw thrown;
    }
  }

  async #run<T>(attempt: Attempt, work: (tx: RedisTx) => T | Promise<T>, codec: Codec): Promise<BarrierOutcome<T>> {
    const entered = await this.#send(ENTER_SCRIPT, attempt.keys, this.#header(attempt));
    if (entered === 'empty') return { ran: false, why: 'empty' };
    if (entered !== 'open') return settledOf(entered, attempt.call, codec) as BarrierOutcome<T>;
    return this.#apply(attempt, work, codec);
  }

  async message<T>(gid: string, work: (tx: RedisTx) => T | Promise<T>): Promise<T> {
    const attempt = this.#attempt(messageOf(gid), MESSAGE_BARRIER.barrierId);
    if ((await this.#send(ENTER_SCRIPT, attempt.keys, this.#header(attempt))) !== 'open')
      throw new LocalTransactionRefused(gid);
    const outcome = await this.#apply(attempt, work, NOT_KEPT);
    if (!outcome.ran) throw new LocalTransactionRefused(gid);
    return outcome.value;
  }

  async checkBack(gid: string): Promise<'committed' | 'refused'> {
    const { keys } = this.#attempt(messageOf(gid), MESSAGE_BARRIER.barrierId);
    return (await this.#send(CHECK_BACK_SCRIPT, keys, [this.#expiry])) === 'refused' ? 'refused' : 'committed';
  }

  #attempt(call: BranchKey, id: string): Attempt {
    const { keyPrefix = '' } = this.#options;
    const prefix = (typeof keyPrefix === 'string' ? keyPrefix : keyPrefix(call)) + `${call.gid}-${call.branchId}-`;
    const undone = undoneOp(call.op);
    const undoing = undoingOp(call.transType, call.op);
    const other = undone ?? undoing;
    const own = `${prefix}${call.op}-${id}`;
    const keys = [own, `${own}-result`, ...(other === undefined ? [] : [`${prefix}${other}-${id}`])];
    const role = undone !== undefined ? 'undo' : undoing === undefined ? '' : 'undone';
    // Gid and branch ID concatenated may equal another call's; as separate values they do not.
    const identity = JSON.stringify([call.gid, call.branchId]);
    return { call, keys, mark: `op ${randomUUID()} ${identity}`, role };
  }

  #header({ keys, mark, role }: Attempt, result = ''): string[] {
    return [String(keys.length), mark, this.#expiry, this.#maxCopy, result, role];
  }

  async #apply<T>(attempt: Attempt, work: (tx: RedisTx) => T | Promise<T>, codec: Codec): Promise<BarrierOutcome<T>> {
    const queue = new RedisQueue();
    let value: T;
    try {
      value = await work(queue);
    } finally {
      queue.close();
    }
    const { keys, args } = queue.close();
    const reply = await this.#commit(
      applyScript(queue.scripts),
      [...attempt.keys, ...keys],
      [...this.#header(...withResult(attempt, await keptResult(value, codec))), ...args],
    );
    if (reply === 'ran') return { ran: true, value };
    if (reply === 'empty') return { ran: false, why: reply };
    return settledOf(reply, attempt.call, codec) as BarrierOutcome<T>;
  }

  async #commit(lua: string, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<string> {
    try {
      return await this.#send(lua, keys, args);
    } catch (error) {
      if (this.#redis.isReply(error)) throw error;
      throw new CommitUnknown(error);
    }
  }

  async #send(lua: string, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<string> {
    try {
      return String(await this.#redis.evalSha(sha1(lua), keys, args));
    } catch (error) {
      if (!isUnknownScript(error)) throw error;
      return String(await this.#redis.eval(lua, keys, args));
    }
  }
}

/** For the local transaction of a message, whose result is not kept. */
const NOT_KEPT: Codec = { encode: () => undefined, decode: () => undefined };

/**
 * The attempt, and the result to keep (empty: none). The reason why a result is not kept is stored
 * in the mark, before the part that other versions read.
 */
const withResult = (attempt: Attempt, kept: KeptJson): [Attempt, string] => {
  if (kept.kind === 'json') return [attempt, kept.text];
  if (kept.kind === 'nothing') return [attempt, ''];
  return [{ ...attempt, mark: attempt.mark.replace('op', `unkept-${kept.kind}`) }, ''];
};

function messageOf(gid: string): BranchKey {
  const { transType, branchId, op } = MESSAGE_BARRIER;
  return { gid, transType, branchId, op };
}

/**
 * The outcome `repeated` of a script, with the kept result.
 *
 * @throws the error for any other outcome of the script
 */
function settledOf(reply: string, call: BranchKey, codec: Codec): BarrierOutcome<unknown> {
  if (reply === 'repeated') return { ran: false, why: 'repeated' };
  if (reply.startsWith('repeated '))
    return { ran: false, why: 'repeated', ...readResult(reply.slice('repeated '.length), codec) };
  if (reply.startsWith('unkept '))
    return { ran: false, why: 'repeated', ...unavailable(call, reply.slice('unkept '.length)) };
  if (reply === 'undone') throw undoneBefore(call);
  throw reply.startsWith('taken ') ? takenBy(reply.slice('taken '.length), call) : errorOf(reply);
}

function takenBy(identity: string, { gid, branchId }: BranchKey): BarrierUnusable {
  return new BarrierUnusable(
    `The barrier's key of branch ${branchId} of ${gid} is that of ${identity} (gid and branch): joined with "-" they are the same. Choose gids that cannot be read as another gid with a branch, or a keyPrefix by the call`,
  );
}

const sha1 = (text: string): string => createHash('sha1').update(text).digest('hex');

/** Errors of Redis begin with their code. */
const isUnknownScript = (error: unknown): boolean => error instanceof Error && error.message.startsWith('NOSCRIPT ');

/** Results of the script other than success: a word, and the reason. */
function errorOf(reply: string): Error {
  const space = reply.indexOf(' ');
  const [word, reason] = [reply.slice(0, space), reply.slice(space + 1)];
  if (word === 'refused') return new BranchFailure(reason);
  return new RedisWorkFailed(reason, word === 'broken' ? 'perhaps a part' : 'nothing');
}

function positive(name: string, value: number): string {
  if (!Number.isSafeInteger(value) || value <= 0)
    throw new RangeError(`${name} is a positive whole number, not ${value}`);
  return String(value);
}
