import { type Entry, type StoredTransaction, StoreError } from '@holdfast/core/store';
import { wordsOf } from '@holdfast/core/store-kit';
import type { Status, TransactionKey } from '@holdfast/protocol';
import type { Reply } from './connection.ts';

export function listOf(reply: Reply | undefined): readonly Reply[] {
  if (!Array.isArray(reply)) throw new StoreError('unavailable', 'the response of Redis is not a list');
  return reply as readonly Reply[];
}

export const textOf = (reply: Reply | undefined): string =>
  Buffer.isBuffer(reply) ? reply.toString() : String(reply ?? '');
export const bytesOf = (reply: Reply | undefined): Buffer => (Buffer.isBuffer(reply) ? reply : Buffer.alloc(0));

/** Decodes a stored entry: the length of its key, the key, the body. */
export function entryOf(stored: Buffer): Entry {
  const colon = stored.indexOf(':');
  const from = colon + 1 + Number(stored.toString('latin1', 0, colon));
  return { key: stored.toString('utf8', colon + 1, from), body: stored.subarray(from) };
}

/** The key of a transaction, from its ID; lengths in the ID are in bytes. */
export function keyOf(id: Buffer): TransactionKey {
  const { key, body } = entryOf(id);
  return { namespace: key, gid: Buffer.from(body).toString() };
}

/**
 * Reads records from a response, one after the other, in the form that the scripts write.
 */
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

  /** Undefined if there is no record with this key. */
  record({ namespace, gid }: TransactionKey): StoredTransaction | undefined {
    const words = this.bytes().toString();
    if (words === '') return undefined;
    const [version, writeId = '', status = '', owner, claims, due, attention, pattern = '', group = '', ...times] =
      words.split('\0');
    const [created, updated, finished, entryCount] = times;
    const [definition, state] = [this.bytes(), this.bytes()];
    const entries = Array.from({ length: Number(entryCount) }, () => this.bytes());
    const numbers = [version, claims, created, updated].map((word) => (word === '' ? Number.NaN : Number(word)));
    const isWhole = numbers.every((number) => Number.isFinite(number)) && entries.every((entry) => entry.length > 0);
    return {
      key: { namespace, gid },
      ...wordsOf(pattern, status),
      ...(!isWhole && { unreadable: NOT_WHOLE, damaged: true }),
      group,
      version: numberOr0(version),
      writeId,
      owner: owner === '' || owner === undefined ? null : owner,
      claims: numberOr0(claims),
      dueAtMs: maybeMs(due),
      attention: attention === '1',
      createdAtMs: numberOr0(created),
      updatedAtMs: numberOr0(updated),
      finishedAtMs: maybeMs(finished),
      definition,
      state,
      entries: entries.map(entryOf),
    };
  }
}

const NOT_WHOLE =
  'a field of its hash in Redis is missing or is not a number: something other than Holdfast changed it; restore it from a backup';

/** The number in a word; 0 as a placeholder if the word is not a number. */
export const numberOr0 = (word: string | undefined): number => {
  const number = Number(word);
  return Number.isFinite(number) ? number : 0;
};

const maybeMs = (word: string | undefined): number | null => (word === '' ? null : numberOr0(word));

/** A status in an outcome; a placeholder for a status of a later version. */
export const statusOf = (word: string): Status => wordsOf('saga', word).status;
