import type { Entry } from '@holdfast/core/store';
import type { RecordHead } from '@holdfast/core/store-kit';
import type { Pattern, Status } from '@holdfast/protocol';
import { ByteReader, type ByteWriter } from './bytes.ts';
import { checkFormat, VALUE_FORMAT } from './formats.ts';
import type { RecordPlace } from './keys.ts';

/**
 * A record's values. The birth: head, state, definition. The change beside it, once the record has
 * changed: head, state. The head is small and repeats every immutable field except the definition,
 * so that reading a status does not read a large definition.
 */

/*
 * A version that adds a code to these increments the version of the schema. Earlier versions do not
 * open such a file, and no two versions share one. A code that is not listed here is therefore
 * damage.
 */

const STATUS_CODES: Readonly<Record<Status, number>> = {
  prepared: 1,
  submitted: 2,
  aborting: 3,
  succeed: 4,
  failed: 5,
};
const PATTERN_CODES: Readonly<Record<Pattern, number>> = { saga: 1, tcc: 2, xa: 3, msg: 4, workflow: 5 };

const byCode = <T extends string>(codes: Readonly<Record<T, number>>): readonly (T | undefined)[] => {
  const names: (T | undefined)[] = [];
  for (const name of Object.keys(codes) as T[]) names[codes[name]] = name;
  return names;
};
const STATUS_OF = byCode(STATUS_CODES);
const PATTERN_OF = byCode(PATTERN_CODES);

const FLAGS = { attention: 1, owned: 2, due: 4, finished: 8 } as const;

/** Writes head and state. */
export function writeChange(to: ByteWriter, head: RecordHead, state: Uint8Array): void {
  const flags =
    (head.attention ? FLAGS.attention : 0) |
    (head.owner === null ? 0 : FLAGS.owned) |
    (head.dueAtMs === null ? 0 : FLAGS.due) |
    (head.finishedAtMs === null ? 0 : FLAGS.finished);
  to.u8(VALUE_FORMAT).u8(STATUS_CODES[head.status]).u8(flags).u8(PATTERN_CODES[head.pattern]);
  to.u32(head.version).u32(head.claims).u16(head.entryCount);
  to.u48(head.updatedAtMs)
    .u48(head.dueAtMs ?? 0)
    .u48(head.finishedAtMs ?? 0);
  to.text(head.group)
    .text(head.writeId)
    .text(head.owner ?? '');
  to.u32(state.length).bytes(state);
}

/** Writes head, state and definition. */
export function writeBirth(to: ByteWriter, head: RecordHead, state: Uint8Array, definition: Uint8Array): void {
  writeChange(to, head, state);
  to.bytes(definition);
}

export interface HeadFilter {
  readonly status?: Status;
  readonly pattern?: Pattern;
  readonly attention?: boolean;
}

/**
 * Whether the head at the start of a value passes a filter; reads only the bytes that the filter
 * needs.
 */
export function headPasses(value: Uint8Array, { status, pattern, attention }: HeadFilter): boolean {
  return (
    (status === undefined || value[1] === STATUS_CODES[status]) &&
    (pattern === undefined || value[3] === PATTERN_CODES[pattern]) &&
    (attention === undefined || (((value[2] ?? 0) & FLAGS.attention) !== 0) === attention)
  );
}

/** Reads the head and leaves the reader before the state. Throws for a damaged head. */
export function readHead(from: ByteReader, place: RecordPlace): RecordHead {
  checkFormat(from.u8());
  const statusCode = from.u8();
  const flags = from.u8();
  const patternCode = from.u8();
  const version = from.u32();
  const claims = from.u32();
  const entryCount = from.u16();
  const updatedAtMs = from.u48();
  const dueAtMs = from.u48();
  const finishedAtMs = from.u48();
  const group = from.text();
  const writeId = from.text();
  const owner = from.text();
  const status = STATUS_OF[statusCode];
  const pattern = PATTERN_OF[patternCode];
  if (status === undefined) throw new Error(`${statusCode} is not the code of a status`);
  if (pattern === undefined) throw new Error(`${patternCode} is not the code of a pattern`);
  return {
    key: place.key,
    pattern,
    status,
    group,
    version,
    writeId,
    owner: flags & FLAGS.owned ? owner : null,
    claims,
    dueAtMs: flags & FLAGS.due ? dueAtMs : null,
    attention: (flags & FLAGS.attention) !== 0,
    createdAtMs: place.createdAtMs,
    updatedAtMs,
    finishedAtMs: flags & FLAGS.finished ? finishedAtMs : null,
    entryCount,
  };
}

/** The readable part of a damaged head: status, pattern and attention, if their bytes exist. */
export function damagedHead(value: Uint8Array, place: RecordPlace, why: string): RecordHead {
  return {
    key: place.key,
    pattern: PATTERN_OF[value[3] ?? 0] ?? 'saga',
    status: STATUS_OF[value[1] ?? 0] ?? 'submitted',
    group: '',
    version: 0,
    writeId: '',
    owner: null,
    claims: 0,
    dueAtMs: null,
    attention: ((value[2] ?? 0) & FLAGS.attention) !== 0,
    createdAtMs: place.createdAtMs,
    updatedAtMs: place.createdAtMs,
    finishedAtMs: null,
    entryCount: 0,
    unreadable: `its value in the file of LMDB is damaged (${why})`,
    damaged: true,
  };
}

/** The head of a record whose entries or definition cannot be read. */
export const withDamage = (head: RecordHead, why: string): RecordHead => ({
  ...head,
  unreadable: `its values in the file of LMDB are damaged (${why})`,
  damaged: true,
});

/** Reads the state that follows a head. */
export const readState = (from: ByteReader): Uint8Array => from.bytes(from.u32());

/** Reads the definition at the end of a birth. */
export function readDefinition(birth: ByteReader): Uint8Array {
  // Format, status, flags, pattern, version, claims, entry count, three times.
  birth.skip(4 + 4 + 4 + 2 + 18);
  for (let texts = 0; texts < 3; texts++) birth.skip(birth.u16());
  birth.skip(birth.u32());
  return birth.bytes();
}

/** Writes an entry's value; its key is part of the key in the file. */
export const writeEntry = (to: ByteWriter, order: number, body: Uint8Array): void => {
  to.u8(VALUE_FORMAT).u16(order).bytes(body);
};

/** Reads an entry and its number in the order of entries. */
export function readEntry(from: ByteReader, key: string): { readonly order: number; readonly entry: Entry } {
  checkFormat(from.u8());
  return { order: from.u16(), entry: { key, body: from.bytes() } };
}

/** Begins the value of a block, to which any number of places is added. */
export const beginPlaces = (to: ByteWriter): void => void to.u8(VALUE_FORMAT);

/** Adds the place of a record to a block. */
export const writePlace = (to: ByteWriter, { key, createdAtMs }: RecordPlace): void =>
  void to.text(key.namespace).u48(createdAtMs).text(key.gid);

/** Reads a block. */
export function readPlaces(from: ByteReader): RecordPlace[] {
  checkFormat(from.u8());
  const places: RecordPlace[] = [];
  while (!from.atEnd) {
    const namespace = from.text();
    const createdAtMs = from.u48();
    places.push({ key: { namespace, gid: from.text() }, createdAtMs });
  }
  return places;
}
