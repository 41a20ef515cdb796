import { ByteReader, ByteWriter } from './bytes.ts';
import { type Durable, DurableWrite } from './write.ts';
import * as keys from './keys.ts';
import { beginPlaces, readPlaces, writePlace } from './records.ts';

/**
 * Deletes up to `limit` records that finished more than `olderThanMs` ago, oldest first. Resolves
 * to their number.
 */
export async function purge(store: Durable, olderThanMs: number, limit: number): Promise<number> {
  const write = new DurableWrite(store);
  let room = limit;
  for (const block of store.env.scan(keys.finishedBefore(new ByteWriter(64), Math.ceil(write.nowMs - olderThanMs)))) {
    const places = readPlaces(new ByteReader(block.value));
    for (const place of places.slice(0, room)) {
      const head = store.records.head(place);
      if (head !== undefined) write.delete(head);
    }
    if (places.length > room) rewrite(store, write, block.key, places.slice(room));
    else write.remove(block.key);
    room -= Math.min(room, places.length);
    if (room === 0) break;
  }
  await write.commit();
  return limit - room;
}

function rewrite({ changes }: Durable, write: DurableWrite, key: Uint8Array, rest: readonly keys.RecordPlace[]): void {
  const start = changes.writer.position;
  beginPlaces(changes.writer);
  for (const place of rest) writePlace(changes.writer, place);
  write.put(key, start);
}
