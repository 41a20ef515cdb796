import { type Entry, type StoredTransaction, StoreError } from '@holdfast/core';
import { type Pattern, PATTERNS, type Status, STATUSES, type TransactionKey } from '@holdfast/protocol';
import type { Reply } from './connection.ts';

/** A reply that is a list. */
export function listOf(reply: Reply | undefined): readonly Reply[] {
  if (!Array.isArray(reply)) throw new StoreError('unavailable', 'Redis answered what is no list');
  return reply as readonly Reply[];
}

export const textOf = (reply: Reply | undefined): string =>
  Buffer.isBuffer(reply) ? reply.toString() : String(reply ?? '');
export const bytesOf = (reply: Reply | undefined): Buffer => (Buffer.isBuffer(reply) ? reply : Buffer.alloc(0));

/** An entry as stored: the length of its key, the key, the body. */
export function entryOf(stored: Buffer): Entry {
  const colon = stored.indexOf(':');
  const from = colon + 1 + Number(stored.toString('latin1', 0, colon));
  return { key: stored.toString('utf8', colon + 1, from), body: stored.subarray(from) };
}

/** A key from the id of a transaction; lengths in it are bytes. */
export function keyOf(id: Buffer): TransactionKey {
  const { key, body } = entryOf(id);
  return { namespace: key, gid: Buffer.from(body).toString() };
}

/** A record from the fields and values of its hash; undefined when there is none. Throws `unsupported_format` for words of a newer Holdfast. */
export function recordOf(key: TransactionKey, reply: Reply | undefined): StoredTransaction | undefined {
  const flat = listOf(reply);
  if (flat.length === 0) return undefined;
  const fields = new Map<string, Buffer>();
  for (let i = 0; i < flat.length; i += 2) fields.set(textOf(flat[i]), bytesOf(flat[i + 1]));
  const text = (name: string): string => textOf(fields.get(name));
  const maybeMs = (name: string): number | null => (text(name) === '' ? null : Number(text(name)));
  const entries = Array.from({ length: Number(text('n')) }, (_, i) => entryOf(bytesOf(fields.get(`e${i + 1}`))));
  return {
    key: { namespace: key.namespace, gid: key.gid },
    pattern: known<Pattern>(PATTERNS, 'pattern', text('p')),
    group: text('g'),
    status: known<Status>(STATUSES, 'status', text('s')),
    version: Number(text('v')),
    writeId: text('w'),
    owner: text('o') === '' ? null : text('o'),
    claims: Number(text('c')),
    dueAtMs: maybeMs('d'),
    attention: text('a') === '1',
    createdAtMs: Number(text('x')),
    updatedAtMs: Number(text('u')),
    finishedAtMs: maybeMs('f'),
    definition: bytesOf(fields.get('D')),
    state: bytesOf(fields.get('S')),
    entries,
  };
}

function known<T extends string>(words: readonly T[], what: string, word: string): T {
  const found = words.find((candidate) => candidate === word);
  if (found === undefined)
    throw new StoreError('unsupported_format', `a record has the ${what} ${word}, which this Holdfast does not know`);
  return found;
}
