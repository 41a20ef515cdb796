import type { StoredTransaction } from '@holdfast/core/store';
import type { TransactionKey } from '@holdfast/protocol';
import { type Installation, LOOKED_AT, STEP } from './installation.ts';
import { listOf, numberOr0, RecordReader, textOf } from './records.ts';
import { GET, VERSIONS } from './scripts/index.ts';

/** Bounds on a read. */
interface ReadOptions {
  /** Limit for all bodies together; the first record is read whatever its size. */
  readonly maxBytes?: number;
  /** Without definitions and entries. */
  readonly summary?: boolean;
}

/**
 * Records in the order of the keys: of all keys, or of those before the record that exceeds
 * `maxBytes`. A script returns fewer than requested if they are large.
 */
export async function read(
  keys: Installation,
  wanted: readonly TransactionKey[],
  { maxBytes, summary = false }: ReadOptions = {},
): Promise<(StoredTransaction | undefined)[]> {
  const found: (StoredTransaction | undefined)[] = [];
  let left = maxBytes === undefined ? '' : String(maxBytes);
  while (found.length < wanted.length) {
    const part = wanted.slice(found.length, found.length + STEP);
    const isFirst = found.every((record) => record === undefined);
    const reply = await keys.run(GET, [idsOf(part), left, isFirst ? 1 : 0, summary ? 1 : 0]);
    const [full, leftOver, records] = listOf(reply);
    const reader = new RecordReader(listOf(records));
    for (const key of part) if (reader.more) found.push(reader.record(key));
    if (full === 1) break;
    left = textOf(leftOver);
  }
  return found;
}

/** Versions, in the order of the keys. */
export async function versions(keys: Installation, wanted: readonly TransactionKey[]): Promise<(number | undefined)[]> {
  const found: (number | undefined)[] = [];
  for (let from = 0; from < wanted.length; from += LOOKED_AT) {
    const reply = await keys.run(VERSIONS, [idsOf(wanted.slice(from, from + LOOKED_AT))]);
    for (const word of textOf(reply).split('\0')) found.push(word === '' ? undefined : numberOr0(word));
  }
  return found;
}

/** Namespaces and gids alternately, each terminated by a NUL, which no text of a store contains. */
const idsOf = (keys: readonly TransactionKey[]): string => {
  let words = '';
  for (const { namespace, gid } of keys) words += `${namespace}\0${gid}\0`;
  return words;
};
