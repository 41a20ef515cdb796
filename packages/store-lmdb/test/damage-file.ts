import type { Damage } from '@holdfast/conformance';
import { open } from 'lmdb';
import { ByteReader, ByteWriter } from '../src/bytes.ts';
import * as keys from '../src/keys.ts';
import { readDefinition, readHead, readState, writeBirth, writeChange } from '../src/records.ts';

/** Changes of the newest value of a record. */
const DAMAGED_HEADS: Readonly<Record<string, (value: Buffer) => Buffer>> = {
  'a value of half the length': (value) => value.subarray(0, value.length >> 1),
  'a value of 30 bytes': (value) => value.subarray(0, 30),
  'a value of another format': (value) => Buffer.concat([Buffer.of(99), value.subarray(1)]),
  'a status of an unknown code': (value) => Buffer.concat([value.subarray(0, 1), Buffer.of(9), value.subarray(2)]),
  'a pattern of an unknown code': (value) => Buffer.concat([value.subarray(0, 3), Buffer.of(9), value.subarray(4)]),
  'an owner longer than the value': (value) => {
    const changed = Buffer.from(value);
    // The length of the application group.
    changed.writeUInt16BE(60_000, 32);
    return changed;
  },
};

export const DAMAGED_HEAD_NAMES = Object.keys(DAMAGED_HEADS);

/** Changes the file of a store that is closed. */
export async function damageFile(path: string, gid: string, damage: Damage): Promise<void> {
  const db = open<Buffer, Uint8Array>({
    path,
    noSubdir: false,
    keyEncoding: 'binary',
    encoding: 'binary',
    overlappingSync: false,
  });
  const key = { namespace: 'default', gid };
  const read = (at: Uint8Array): Buffer | undefined => {
    const value = db.getBinary(at);
    return value && Buffer.from(value);
  };
  const writer = new ByteWriter(65_536);
  const found = read(keys.gidKey(writer, key));
  const place = { key, createdAtMs: found?.readUIntBE(1, 6) ?? 0 };
  const birthKey = keys.recordKey(writer, place, keys.RECORD_PARTS.birth);
  const changeKey = keys.recordKey(writer, place, keys.RECORD_PARTS.change);
  const birth = read(birthKey) ?? Buffer.alloc(0);
  const change = read(changeKey);
  const put = async (at: Uint8Array, value: Uint8Array): Promise<void> => void (await db.put(at, Buffer.from(value)));
  const newest = new ByteReader(change ?? birth);
  if (damage.part === 'head') {
    const damaged = DAMAGED_HEADS[damage.name]?.(change ?? birth);
    if (damaged !== undefined) await put(change === undefined ? birthKey : changeKey, damaged);
  } else if (damage.part === 'entry') {
    for (const { key: at, value } of db.getRange(keys.entryRange(writer, place))) {
      // The format and the place of the entry come first.
      const body = damage.change(Buffer.from(value.subarray(3)));
      if (body === undefined) await db.remove(at);
      else await put(at, Buffer.concat([value.subarray(0, 3), body]));
      break;
    }
  } else if (damage.part === 'definition') {
    const from = new ByteReader(birth);
    const head = readHead(from, place);
    const state = readState(from);
    const start = writer.position;
    writeBirth(writer, head, state, damage.change(readDefinition(new ByteReader(birth))) ?? Buffer.alloc(0));
    await put(birthKey, Uint8Array.from(writer.since(start)));
  } else {
    const head = readHead(newest, place);
    const state = damage.change(readState(newest)) ?? Buffer.alloc(0);
    const start = writer.position;
    if (change === undefined) writeBirth(writer, head, state, readDefinition(new ByteReader(birth)));
    else writeChange(writer, head, state);
    await put(change === undefined ? birthKey : changeKey, Uint8Array.from(writer.since(start)));
  }
  await db.close();
}
