import { HoldfastError } from '../../errors.ts';
import type { FieldPath } from '../../field-path.ts';
import { hintFor } from '../../known-names.ts';
import type { MessageInput, ProtoMessage } from '../../protobuf/schema.ts';
import type { ElementShape, FieldShape, MessageShape, ValueShape } from './shape.ts';

type Values = Readonly<Record<string, unknown>>;
type Message = MessageInput<ProtoMessage>;
type Fields = Record<string, unknown>;

/**
 * Converts a JSON value to the message that has its fields. Fields that the message does not have
 * are left out.
 */
export function toMessage({ fields }: MessageShape, values: Values): Message {
  const message: Fields = {};
  for (const field of fields) {
    const value = values[field.name];
    if (value !== undefined) setField(message, field, value, toValue);
  }
  return message as Message;
}

function toValue(shape: ValueShape, value: unknown): unknown {
  switch (shape.kind) {
    case 'text':
    case 'flag':
      return value;
    case 'number':
      return Math.round(value as number);
    case 'bytes':
      return Buffer.from(value as string, 'base64');
    case 'json':
      return Buffer.from(JSON.stringify(value));
    case 'texts':
      return new Map(Object.entries(value as Readonly<Record<string, string>>));
    case 'message':
      return toMessage(shape.message, value as Values);
    case 'list':
      return (value as readonly unknown[]).map((element) => toValue(shape.of, element));
  }
}

function setField(
  message: Fields,
  { protoName, value: shape, isWrapped }: FieldShape,
  value: unknown,
  convert: (shape: ValueShape, value: unknown) => unknown,
): void {
  // Null is absent, except for a value of the user.
  if (value === null && shape.kind !== 'json') return;
  const converted = convert(shape, value);
  message[protoName] = isWrapped ? { items: converted } : converted;
}

/**
 * Converts the input of a caller, whose types are not certain. Throws `invalid`, naming the field,
 * for a value of another type and for a field that the message does not have: neither may be left
 * out silently.
 */
export function toCheckedMessage(shape: MessageShape, values: unknown, path: FieldPath = []): Message {
  if (typeof values !== 'object' || values === null || Array.isArray(values))
    throw wrongType(path, 'an object', values);
  const names = shape.fields.map(({ name }) => name);
  for (const name of Object.keys(values))
    if (!names.includes(name) && (values as Values)[name] !== undefined)
      throw new HoldfastError('invalid', `is not known; ${hintFor(name, names)}`, { field: [...path, name] });
  const message: Fields = {};
  for (const field of shape.fields) {
    const value = (values as Values)[field.name];
    const within = [...path, field.name];
    if (value === undefined) continue;
    if (value === null && field.value.kind !== 'json') throw wrongType(within, KINDS[field.value.kind], value);
    setField(message, field, value, (inner, given) => toCheckedValue(inner, given, within));
  }
  return message as Message;
}

function toCheckedValue(shape: ValueShape | ElementShape, value: unknown, path: FieldPath): unknown {
  switch (shape.kind) {
    case 'text':
    case 'bytes':
      if (typeof value !== 'string') throw wrongType(path, KINDS[shape.kind], value);
      break;
    case 'flag':
      if (typeof value !== 'boolean') throw wrongType(path, KINDS.flag, value);
      break;
    case 'number':
      if (!Number.isSafeInteger(value)) throw wrongType(path, KINDS.number, value);
      break;
    case 'json':
      return Buffer.from(JSON.stringify(value) ?? fail(wrongType(path, KINDS.json, value)));
    case 'texts':
      if (typeof value !== 'object' || value === null) throw wrongType(path, KINDS.texts, value);
      for (const [name, text] of Object.entries(value))
        if (typeof text !== 'string') throw wrongType([...path, name], KINDS.text, text);
      break;
    case 'message':
      return toCheckedMessage(shape.message, value, path);
    case 'list':
      if (!Array.isArray(value)) throw wrongType(path, KINDS.list, value);
      return value.map((element, index) => toCheckedValue(shape.of, element, [...path, index]));
  }
  return toValue(shape, value);
}

function fail(error: HoldfastError): never {
  throw error;
}

const KINDS = {
  text: 'a string',
  bytes: 'a string',
  flag: 'a boolean',
  number: 'a whole number',
  json: 'a JSON value',
  texts: 'an object',
  message: 'an object',
  list: 'an array',
} as const;

function wrongType(field: FieldPath, expected: string, value: unknown): HoldfastError {
  const fault = `must be ${expected}, not ${kindOf(value)}`;
  return field.length === 0
    ? new HoldfastError('invalid', `the request ${fault}`)
    : new HoldfastError('invalid', fault, { field });
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'number') return String(value);
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
