import type { StoredTransaction } from '@holdfast/core';
import type { TransactionKey } from '@holdfast/protocol';
import { type Installation, LOOKED_AT, STEP } from './installation.ts';
import { listOf, RecordReader, textOf } from './records.ts';
import { GET, VERSIONS } from './scripts/index.ts';

/** Whole records, in the order of the keys. A script answers fewer than it was asked for when they are large. */
export async function read(
  keys: Installation,
  wanted: readonly TransactionKey[],
): Promise<(StoredTransaction | undefined)[]> {
  const found: (StoredTransaction | undefined)[] = [];
  while (found.length < wanted.length) {
    const part = wanted.slice(found.length, found.length + STEP);
    const reader = new RecordReader(listOf(await keys.run(GET, [idsOf(part)])));
    for (const key of part) if (reader.more) found.push(reader.record(key));
  }
  return found;
}

/** Versions, in the order of the keys. */
export async function versions(keys: Installation, wanted: readonly TransactionKey[]): Promise<(number | undefined)[]> {
  const found: (number | undefined)[] = [];
  for (let from = 0; from < wanted.length; from += LOOKED_AT) {
    const reply = await keys.run(VERSIONS, [idsOf(wanted.slice(from, from + LOOKED_AT))]);
    for (const word of textOf(reply).split('\0')) found.push(word === '' ? undefined : Number(word));
  }
  return found;
}

/** Namespaces and gids by turns, each ended by a NUL, which no text of a store holds. */
const idsOf = (keys: readonly TransactionKey[]): string => {
  let words = '';
  for (const { namespace, gid } of keys) words += `${namespace}\0${gid}\0`;
  return words;
};
