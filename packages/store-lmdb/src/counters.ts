import type { StoreCounts } from '@holdfast/core/store';
import { COUNTED, type CountsByNamespace, sumOfCounts } from '@holdfast/core/store-kit';
import { ByteReader, ByteWriter } from './bytes.ts';
import type { Changes } from './changes.ts';
import type { Environment } from './environment.ts';
import { checkFormat, VALUE_FORMAT } from './formats.ts';
import { allCounts, countsKey } from './keys.ts';

/**
 * Adds the changes that one write makes to the counters: one key per namespace and write, however
 * many records it changes.
 */
export function flushCounts(counted: CountsByNamespace, env: Environment, changes: Changes): void {
  const { writer } = changes;
  for (const [namespace, deltas] of counted.entries()) {
    if (deltas.every((delta) => delta === 0)) continue;
    const key = countsKey(writer, namespace);
    const stored = readCounts(env.read(key));
    const start = writer.position;
    writer.u8(VALUE_FORMAT);
    stored.forEach((count, i) => writer.u48(count + (deltas[i] ?? 0)));
    changes.put(key, start);
  }
}

function readCounts(value: Uint8Array | undefined): number[] {
  if (value === undefined) return COUNTED.map(() => 0);
  const from = new ByteReader(value);
  checkFormat(from.u8());
  return COUNTED.map(() => from.u48());
}

/** The counters of one namespace, or the sum over all. */
export function countRecords(env: Environment, namespace?: string): StoreCounts {
  const writer = new ByteWriter(256);
  return sumOfCounts(
    namespace === undefined
      ? [...env.scan(allCounts(writer))].map(({ value }) => readCounts(value))
      : [readCounts(env.read(countsKey(writer, namespace)))],
  );
}
