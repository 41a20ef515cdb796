import { type Entry, type StoredTransaction, StoreError } from '@holdfast/core';
import { PATTERNS, type Status, STATUSES, type TransactionKey } from '@holdfast/protocol';
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

/** Takes records out of an answer, one after the other, as `answer` in scripts/answer.ts put them there. */
export class RecordReader {
  readonly #parts: readonly Reply[];
  #at = 0;

  constructor(parts: readonly Reply[]) {
    this.#parts = parts;
  }

  get more(): boolean {
    return this.#at < this.#parts.length;
  }

  bytes(): Buffer {
    return bytesOf(this.#parts[this.#at++]);
  }

  /** Undefined when there is none of this key. Throws `unsupported_format` for words of a newer Holdfast. */
  record({ namespace, gid }: TransactionKey): StoredTransaction | undefined {
    const words = this.bytes().toString();
    if (words === '') return undefined;
    const [version, writeId = '', status = '', owner, claims, due, attention, pattern = '', group = '', ...times] =
      words.split('\0');
    const [created, updated, finished, entries] = times;
    return {
      key: { namespace, gid },
      pattern: known(PATTERNS, 'pattern', pattern),
      group,
      status: statusOf(status),
      version: Number(version),
      writeId,
      owner: owner === '' || owner === undefined ? null : owner,
      claims: Number(claims),
      dueAtMs: maybeMs(due),
      attention: attention === '1',
      createdAtMs: Number(created),
      updatedAtMs: Number(updated),
      finishedAtMs: maybeMs(finished),
      definition: this.bytes(),
      state: this.bytes(),
      entries: Array.from({ length: Number(entries) }, () => entryOf(this.bytes())),
    };
  }
}

const maybeMs = (word: string | undefined): number | null => (word === '' ? null : Number(word));

export const statusOf = (word: string): Status => known(STATUSES, 'status', word);

function known<T extends string>(words: readonly T[], what: string, word: string): T {
  const found = words.find((candidate) => candidate === word);
  if (found === undefined)
    throw new StoreError('unsupported_format', `a record has the ${what} ${word}, which this Holdfast does not know`);
  return found;
}
