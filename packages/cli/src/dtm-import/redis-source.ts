import { createHash } from 'node:crypto';
import { StoreError } from '@holdfast/core/store';
import type { DtmBranch, DtmGlobal } from '@holdfast/server';
import { placeOfUrl } from '@holdfast/protocol';
import { openRedisCommands, type RedisCommands, type Reply } from '@holdfast/store-redis';
import { CommandError, EXIT } from '../commands/command-error.ts';
import { type DtmFound, type DtmSource, PAGE, TAKEN } from './dtm-source.ts';

/** Opens dtm's keys. Throws `CommandError`. */
export async function openRedisSource(url: string, prefix: string): Promise<DtmSource> {
  let commands: RedisCommands | undefined;
  try {
    commands = openRedisCommands(url);
    await commands.query('PING');
    return new RedisSource(commands, placeOfUrl(url), prefix);
  } catch (error) {
    await commands?.close();
    if (error instanceof StoreError)
      throw new CommandError(error.code === 'invalid' ? EXIT.usage : EXIT.unreachable, error.message, { cause: error });
    throw error;
  }
}

/**
 * Takes a transaction unless dtm has changed it: removes it from the set of due times, which is the
 * only place that dtm polls, and notes it in a set.
 */
const TAKE = `
if redis.call('GET', ARGV[1]) ~= ARGV[2] or redis.call('GET', ARGV[3]) ~= ARGV[4] then return 0 end
local branches = redis.call('LRANGE', ARGV[5], 0, -1)
if redis.sha1hex(table.concat(branches)) ~= ARGV[6] then return 0 end
if redis.call('ZREM', KEYS[1], ARGV[7]) == 0 then return 0 end
redis.call('SADD', ARGV[8], ARGV[7])
return 1`;

/** A client whose last command was a script within this time may be dtm, which polls by one. */
const RECENT_SECONDS = 10;
const SCAN_COUNT = 1000;

interface Raw {
  readonly global: string;
  readonly status: string;
  readonly branches: readonly string[];
}

/** dtm's keys in Redis. */
class RedisSource implements DtmSource {
  readonly place: string;
  readonly resultsMayBeMissing = false;
  readonly #redis: RedisCommands;
  readonly #prefix: string;
  /** The texts of the transactions of the current page, with which they are taken. */
  #page: ReadonlyMap<string, Raw> = new Map();

  constructor(redis: RedisCommands, place: string, prefix: string) {
    this.#redis = redis;
    this.place = place;
    this.#prefix = prefix;
  }

  async signs(): Promise<readonly string[]> {
    const clients = textOf(await this.#redis.query('CLIENT', 'LIST', 'TYPE', 'normal')).split('\n');
    const suspects = clients.filter((line) => {
      const fields = new Map(line.split(' ').map((field): [string, string] => [field.split('=')[0] ?? '', field]));
      const idle = Number(fields.get('idle')?.slice('idle='.length) ?? Infinity);
      return fields.get('cmd') === 'cmd=eval' && idle <= RECENT_SECONDS;
    });
    return suspects.length === 0 ? [] : [`${suspects.length} other clients run scripts as dtm does`];
  }

  async fingerprint(): Promise<string> {
    const due = listOf(await this.#redis.query('ZRANGE', this.#due, 0, -1, 'WITHSCORES'));
    return createHash('sha1')
      .update(JSON.stringify(due.map(textOf)))
      .digest('hex');
  }

  async finished(): Promise<number> {
    const pattern = `${this.#prefix.replaceAll(/[*?[\]\\]/g, String.raw`\$&`)}_g_*`;
    let count = 0;
    let cursor = '0';
    do {
      const [next, keys] = listOf(await this.#redis.query('SCAN', cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT));
      const gids = listOf(keys ?? null).map((key) => textOf(key).slice(this.#key('g', '').length));
      if (gids.length > 0) {
        const statuses = listOf(await this.#redis.query('MGET', ...gids.map((gid) => this.#key('s', gid))));
        count += statuses.filter((status) => ['succeed', 'failed'].includes(textOf(status))).length;
      }
      cursor = textOf(next ?? null);
    } while (cursor !== '0');
    return count;
  }

  async *unfinished(): AsyncIterable<readonly DtmFound[]> {
    // Read at once: taking a transaction changes the positions of the others.
    const due = listOf(await this.#redis.query('ZRANGE', this.#due, 0, -1, 'WITHSCORES')).map(textOf);
    const taken = listOf(await this.#redis.query('SMEMBERS', this.#taken)).map(textOf);
    const open = due.flatMap((gid, i): [string, number | null][] => (i % 2 === 0 ? [[gid, Number(due[i + 1])]] : []));
    const all = [...open, ...taken.toSorted().map((gid): [string, null] => [gid, null])];
    const isTaken = new Set(taken);
    for (let at = 0; at < all.length; at += PAGE) {
      const found: DtmFound[] = [];
      const page = new Map<string, Raw>();
      for (const [gid, seconds] of all.slice(at, at + PAGE)) {
        const raw = await this.#read(gid);
        // A transaction that finished after an import, or in dtm since the read.
        if (raw.status === 'succeed' || raw.status === 'failed') continue;
        page.set(gid, raw);
        found.push(foundOf(gid, raw, seconds, isTaken.has(gid)));
      }
      this.#page = page;
      if (found.length > 0) yield found;
    }
  }

  async #read(gid: string): Promise<Raw> {
    const [global, status] = listOf(await this.#redis.query('MGET', this.#key('g', gid), this.#key('s', gid))).map(
      textOf,
    );
    const branches = listOf(await this.#redis.query('LRANGE', this.#key('b', gid), 0, -1)).map(textOf);
    return { global: global ?? '', status: status ?? '', branches };
  }

  async take({ global: { gid }, taken }: DtmFound): Promise<boolean> {
    if (taken) return true;
    const raw = this.#page.get(gid);
    if (raw === undefined) return false;
    const sha = createHash('sha1').update(raw.branches.join('')).digest('hex');
    const [g, s, b] = ['g', 's', 'b'].map((kind) => this.#key(kind, gid));
    const args = [g ?? '', raw.global, s ?? '', raw.status, b ?? '', sha, gid, this.#taken];
    return (await this.#redis.change(TAKE, this.#due, ...args)) === 1;
  }

  close(): Promise<void> {
    return this.#redis.close();
  }

  get #due(): string {
    return `${this.#prefix}_u`;
  }

  get #taken(): string {
    return `${this.#prefix}_${TAKEN}`;
  }

  #key(kind: string, gid: string): string {
    return `${this.#prefix}_${kind}_${gid}`;
  }
}

function foundOf(gid: string, raw: Raw, dueSeconds: number | null, taken: boolean): DtmFound {
  const global = objectOf(raw.global);
  return {
    global: globalOf(gid, raw.global === '' ? 'expired' : raw.status, global, dueSeconds),
    branches: raw.branches.map((text) => branchOf(objectOf(text))),
    taken,
  };
}

type Json = Readonly<Record<string, unknown>>;

const globalOf = (gid: string, status: string, json: Json, dueSeconds: number | null): DtmGlobal => ({
  gid,
  status,
  transType: field(json, 'trans_type'),
  protocol: field(json, 'protocol'),
  queryPrepared: field(json, 'query_prepared'),
  options: field(json, 'options'),
  customData: field(json, 'custom_data'),
  extData: field(json, 'ext_data'),
  rollbackReason: field(json, 'rollback_reason'),
  createdAtMs: timeOf(json, 'create_time'),
  updatedAtMs: timeOf(json, 'update_time'),
  nextCronAtMs: dueSeconds === null ? null : dueSeconds * 1000,
  nextCronIntervalSeconds: Number(json['next_cron_interval'] ?? 0),
  owner: field(json, 'owner'),
});

const branchOf = (json: Json): DtmBranch => ({
  branchId: field(json, 'branch_id'),
  op: field(json, 'op'),
  url: field(json, 'url'),
  data: Buffer.from(field(json, 'bin_data'), 'base64'),
  status: field(json, 'status'),
  createdAtMs: timeOf(json, 'create_time'),
  finishedAtMs: timeOf(json, 'finish_time'),
});

/** An empty object for a text that is not one: the conversion then rejects the transaction. */
function objectOf(text: string): Json {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
  } catch {
    return {};
  }
}

const field = (json: Json, name: string): string => {
  const value = json[name];
  return typeof value === 'string' ? value : '';
};

function timeOf(json: Json, name: string): number | null {
  const ms = Date.parse(field(json, name));
  return Number.isNaN(ms) ? null : ms;
}

const listOf = (reply: Reply): readonly Reply[] => (Array.isArray(reply) ? (reply as readonly Reply[]) : []);
const textOf = (reply: Reply): string =>
  Buffer.isBuffer(reply) ? reply.toString() : reply === null || Array.isArray(reply) ? '' : String(reply);
