import {
  type MessageOf,
  type ProtoField,
  type ProtoMessage,
  type ProtoRepeatedField,
  WIRE_VARINT,
  wireTypeOf,
} from './schema.ts';
import { ProtobufError, WireReader } from './wire-reader.ts';

const MOST_FIELDS = 100_000;
/** Numbers that all lists of a message may have in total: they cost less than fields. */
const MOST_NUMBERS = 100_000;

type Fields = Record<string, unknown>;
type NamedField = readonly [name: string, field: ProtoField];

/** An entry of a map. */
const ENTRY = {
  name: 'Entry',
  fields: { key: { number: 1, type: 'string' }, value: { number: 2, type: 'string' } },
} as const satisfies ProtoMessage;

export interface DecodeOptions {
  /** Absent: `skipped`, so that later versions of the other side can add fields. */
  readonly unknownFields?: 'skipped' | 'rejected';
  /**
   * Fields that the message may have in total, unknown ones and those of its parts included.
   * Absent: 100,000.
   */
  readonly mostFields?: number;
}

/**
 * Decodes a message. The last one of repeated scalars counts. Throws `ProtobufError`, naming the
 * field, for a wrong wire type, a text that is not UTF-8, an integer that a JavaScript number
 * cannot hold, too many elements, truncated bytes, and rejected unknown fields. Bytes share memory
 * with the message.
 */
export function decodeMessage<M extends ProtoMessage>(
  type: M,
  bytes: Uint8Array,
  options: DecodeOptions = {},
): MessageOf<M> {
  return new Decoder(options).message(type, bytes, emptyOf(type)) as unknown as MessageOf<M>;
}

/** A bound of the whole message: no field is at fault. */
class TooMany extends ProtobufError {
  override within(): ProtobufError {
    return this;
  }
}

class Decoder {
  readonly #unknownFields: 'skipped' | 'rejected';
  readonly #mostFields: number;
  #fields = 0;
  #numbers = 0;

  constructor({ unknownFields = 'skipped', mostFields = MOST_FIELDS }: DecodeOptions) {
    this.#unknownFields = unknownFields;
    this.#mostFields = mostFields;
  }

  /** Reads into `target`: a message that occurs twice is merged, as protobuf requires. */
  message(type: ProtoMessage, bytes: Uint8Array, target: Fields): Fields {
    const reader = new WireReader(bytes);
    const fields = fieldsOf(type);
    while (!reader.isAtEnd) {
      if (++this.#fields > this.#mostFields) throw new TooMany(`has more than ${this.#mostFields} fields`);
      const tag = reader.tag();
      const found = fields.get(tag >>> 3);
      if (found === undefined) this.#unknown(tag, reader);
      else this.#field(found, tag & 7, reader, target);
    }
    return target;
  }

  #unknown(tag: number, reader: WireReader): void {
    if (this.#unknownFields === 'rejected') throw new ProtobufError(`has no field with the number ${tag >>> 3}`);
    reader.skip(tag);
  }

  #field([name, field]: NamedField, wireType: number, reader: WireReader, target: Fields): void {
    try {
      if (wireType === WIRE_VARINT && isPacked(field)) return this.#number(field, reader, target[name] as unknown[]);
      if (wireType !== wireTypeOf(field))
        throw new ProtobufError(`has wire type ${wireType}; its type has ${wireTypeOf(field)}`);
      this.#read(name, field, reader, target);
    } catch (error) {
      throw error instanceof ProtobufError ? error.within(name) : error;
    }
  }

  #read(name: string, field: ProtoField, reader: WireReader, target: Fields): void {
    switch (field.type) {
      case 'string':
        target[name] = reader.string();
        return;
      case 'bytes':
        target[name] = reader.bytes();
        return;
      case 'bool':
        target[name] = BigInt(reader.varint()) !== 0n;
        return;
      case 'int32':
        target[name] = Number(BigInt.asIntN(32, BigInt(reader.varint())));
        return;
      case 'int64':
        target[name] = reader.int64();
        return;
      case 'message':
        target[name] = this.message(field.of, reader.bytes(), (target[name] as Fields) ?? emptyOf(field.of));
        return;
      case 'repeated':
        return this.#elements(field, reader, target[name] as unknown[]);
      case 'map':
        return this.#entry(field.most, reader.bytes(), target[name] as Map<string, string>);
    }
  }

  /** Reads one element, or all numbers that are packed together. */
  #elements(field: ProtoRepeatedField, reader: WireReader, elements: unknown[]): void {
    const { of, most } = field;
    if (of === 'int64') return this.#packed(field, reader.bytes(), elements);
    if (elements.length >= most) throw new ProtobufError(`has more than ${most} elements`);
    if (of === 'string') elements.push(reader.string());
    else if (of === 'bytes') elements.push(reader.bytes());
    else elements.push(this.message(of, reader.bytes(), emptyOf(of)));
  }

  #packed(field: ProtoRepeatedField, bytes: Uint8Array, elements: unknown[]): void {
    const reader = new WireReader(bytes);
    while (!reader.isAtEnd) this.#number(field, reader, elements);
  }

  #number({ most }: ProtoRepeatedField, reader: WireReader, elements: unknown[]): void {
    if (elements.length >= most) throw new ProtobufError(`has more than ${most} elements`);
    if (++this.#numbers > MOST_NUMBERS) throw new TooMany(`has more than ${MOST_NUMBERS} numbers in lists`);
    elements.push(reader.int64());
  }

  #entry(most: number, bytes: Uint8Array, entries: Map<string, string>): void {
    const { key, value } = this.message(ENTRY, bytes, emptyOf(ENTRY)) as unknown as MessageOf<typeof ENTRY>;
    if (entries.size >= most && !entries.has(key)) throw new ProtobufError(`has more than ${most} entries`);
    entries.set(key, value);
  }
}

/** Senders pack numbers, and receivers must also accept one field for each of them. */
const isPacked = (field: ProtoField): field is ProtoRepeatedField => field.type === 'repeated' && field.of === 'int64';

const byNumber = new WeakMap<ProtoMessage, ReadonlyMap<number, NamedField>>();

function fieldsOf(type: ProtoMessage): ReadonlyMap<number, NamedField> {
  const known = byNumber.get(type);
  if (known !== undefined) return known;
  const fields = new Map(Object.entries(type.fields).map((named) => [named[1].number, named]));
  byNumber.set(type, fields);
  return fields;
}

/** A message with every field absent. */
function emptyOf(type: ProtoMessage): Fields {
  const fields: Fields = {};
  for (const name in type.fields) fields[name] = absentValueOf(type.fields[name] as ProtoField);
  return fields;
}

const NO_BYTES = new Uint8Array(0);

function absentValueOf(field: ProtoField): unknown {
  if ('optional' in field) return undefined;
  switch (field.type) {
    case 'string':
      return '';
    case 'bytes':
      return NO_BYTES;
    case 'bool':
      return false;
    case 'int32':
    case 'int64':
      return 0;
    case 'message':
      return undefined;
    case 'repeated':
      return [];
    case 'map':
      return new Map();
  }
}
