import { type MessageInput, type ProtoField, type ProtoMessage, wireTypeOf } from './schema.ts';

/**
 * Encodes a message. Fields that are absent, and those without presence that have their default
 * value, are left out, as proto3 requires. Throws `RangeError` for an integer that is not a safe
 * one.
 */
export function encodeMessage<M extends ProtoMessage>(type: M, message: MessageInput<M>): Buffer {
  const pieces: Uint8Array[] = [];
  for (const [name, field] of Object.entries(type.fields)) {
    const value: unknown = message[name];
    if (value !== undefined) encodeField(pieces, field, value);
  }
  return Buffer.concat(pieces);
}

function encodeField(pieces: Uint8Array[], field: ProtoField, value: unknown): void {
  switch (field.type) {
    case 'string':
      if (value !== '' || field.optional === true) pushBytes(pieces, field, Buffer.from(value as string));
      return;
    case 'bytes':
      if ((value as Uint8Array).length > 0 || field.optional === true) pushBytes(pieces, field, value as Uint8Array);
      return;
    case 'bool':
      if (value === true || field.optional === true) pieces.push(tagOf(field), varint(value === true ? 1n : 0n));
      return;
    case 'int32':
    case 'int64':
      if (value !== 0 || field.optional === true) pieces.push(tagOf(field), varint(BigInt(value as number)));
      return;
    case 'message':
      return pushBytes(pieces, field, encodeMessage(field.of, value as MessageInput<ProtoMessage>));
    case 'repeated':
      if (field.of === 'int64') return encodePacked(pieces, field, value as readonly number[]);
      for (const element of value as readonly unknown[]) pushBytes(pieces, field, elementBytes(field.of, element));
      return;
    case 'map':
      for (const [key, text] of value as ReadonlyMap<string, string>) pushBytes(pieces, field, encodeEntry(key, text));
      return;
  }
}

function encodePacked(pieces: Uint8Array[], field: ProtoField, numbers: readonly number[]): void {
  if (numbers.length > 0) pushBytes(pieces, field, Buffer.concat(numbers.map((number) => varint(BigInt(number)))));
}

function elementBytes(of: 'string' | 'bytes' | ProtoMessage, element: unknown): Uint8Array {
  if (of === 'string') return Buffer.from(element as string);
  return of === 'bytes' ? (element as Uint8Array) : encodeMessage(of, element as MessageInput<ProtoMessage>);
}

const KEY = { number: 1, type: 'string' } as const;
const VALUE = { number: 2, type: 'string' } as const;

function encodeEntry(key: string, text: string): Uint8Array {
  const pieces: Uint8Array[] = [];
  encodeField(pieces, KEY, key);
  encodeField(pieces, VALUE, text);
  return Buffer.concat(pieces);
}

function pushBytes(pieces: Uint8Array[], field: ProtoField, bytes: Uint8Array): void {
  pieces.push(tagOf(field), varint(BigInt(bytes.length)), bytes);
}

const tagOf = (field: ProtoField): Uint8Array => varint(BigInt(field.number * 8 + wireTypeOf(field)));

/** A negative number has ten bytes, as protobuf requires. */
function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
