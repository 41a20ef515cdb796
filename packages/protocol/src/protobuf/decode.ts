import { type MessageOf, type ProtoField, type ProtoMessage, type ProtoRepeatedField, wireTypeOf } from './schema.ts';
import { ProtobufError, WireReader } from './wire-reader.ts';

/** Fields that a message may have in all, unknown ones and those of its parts included. */
const MOST_FIELDS = 100_000;

type Fields = Record<string, unknown>;
type NamedField = readonly [name: string, field: ProtoField];

/** An entry of a map. */
const ENTRY = {
  name: 'Entry',
  fields: { key: { number: 1, type: 'string' }, value: { number: 2, type: 'string' } },
} as const satisfies ProtoMessage;

/**
 * Decodes a message. Unknown fields are skipped, the last one of repeated scalars counts. Throws
 * `ProtobufError`, naming the field, for a wrong wire type, a text that is not UTF-8, an integer
 * that a JavaScript number cannot hold, too many elements, and truncated bytes. Bytes share memory
 * with the message.
 */
export function decodeMessage<M extends ProtoMessage>(type: M, bytes: Uint8Array): MessageOf<M> {
  return new Decoder().message(type, bytes, emptyOf(type)) as unknown as MessageOf<M>;
}

class Decoder {
  #fieldsLeft = MOST_FIELDS;

  /** Reads into `target`: a message that occurs twice is merged, as protobuf requires. */
  message(type: ProtoMessage, bytes: Uint8Array, target: Fields): Fields {
    const reader = new WireReader(bytes);
    const fields = fieldsOf(type);
    while (!reader.isAtEnd) {
      if (--this.#fieldsLeft < 0) throw new ProtobufError(`has more than ${MOST_FIELDS} fields`);
      const tag = reader.tag();
      const found = fields.get(tag >>> 3);
      if (found === undefined) reader.skip(tag);
      else this.#field(found, tag & 7, reader, target);
    }
    return target;
  }

  #field([name, field]: NamedField, wireType: number, reader: WireReader, target: Fields): void {
    try {
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
        return this.#element(field, reader, target[name] as unknown[]);
      case 'map':
        return this.#entry(field.most, reader.bytes(), target[name] as Map<string, string>);
    }
  }

  #element({ of, most }: ProtoRepeatedField, reader: WireReader, elements: unknown[]): void {
    if (elements.length >= most) throw new ProtobufError(`has more than ${most} elements`);
    if (of === 'string') elements.push(reader.string());
    else if (of === 'bytes') elements.push(reader.bytes());
    else elements.push(this.message(of, reader.bytes(), emptyOf(of)));
  }

  #entry(most: number, bytes: Uint8Array, entries: Map<string, string>): void {
    const { key, value } = this.message(ENTRY, bytes, emptyOf(ENTRY)) as unknown as MessageOf<typeof ENTRY>;
    if (entries.size >= most && !entries.has(key)) throw new ProtobufError(`has more than ${most} entries`);
    entries.set(key, value);
  }
}

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

function absentValueOf({ type }: ProtoField): unknown {
  switch (type) {
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
