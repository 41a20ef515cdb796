import type { StoredTransaction } from '@holdfast/core';
import type { TransactionKey } from '@holdfast/protocol';
import { type Installation, LOOKED_AT, STEP } from './installation.ts';
import { listOf, recordOf, textOf } from './records.ts';
import { GET, VERSIONS } from './scripts/index.ts';

/** Whole records, in the order of the keys. A script answers fewer than it was asked for when they are large. */
export async function read(
  keys: Installation,
  wanted: readonly TransactionKey[],
): Promise<(StoredTransaction | undefined)[]> {
  const found: (StoredTransaction | undefined)[] = [];
  while (found.length < wanted.length) {
    const part = wanted.slice(found.length, found.length + STEP);
    const replies = listOf(await keys.run(GET, idsOf(part)));
    for (const [i, key] of part.slice(0, replies.length).entries()) found.push(recordOf(key, replies[i]));
  }
  return found;
}

/** Versions, in the order of the keys. */
export async function versions(keys: Installation, wanted: readonly TransactionKey[]): Promise<(number | undefined)[]> {
  const found: (number | undefined)[] = [];
  for (let from = 0; from < wanted.length; from += LOOKED_AT)
    for (const version of listOf(await keys.run(VERSIONS, idsOf(wanted.slice(from, from + LOOKED_AT)))))
      found.push(version === null ? undefined : Number(textOf(version)));
  return found;
}

const idsOf = (keys: readonly TransactionKey[]): string[] => keys.flatMap(({ namespace, gid }) => [namespace, gid]);
