import type { FieldPath } from '../../field-path.ts';
import type { FieldShape, MessageShape, ValueShape } from './shape.ts';

type Message = Readonly<Record<string, unknown>>;

/** Converts the bytes of a JSON text to the value that takes their place. */
export type ReadJson = (bytes: Uint8Array, path: FieldPath) => unknown;

/** Converts a decoded message to the JSON value whose fields it has. */
export function fromMessage(
  { fields }: MessageShape,
  message: Message,
  readJson: ReadJson,
  path: FieldPath = [],
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const field of fields) {
    const value = valueOf(field, message[field.protoName], readJson, path);
    if (value !== undefined) values[field.name] = value;
  }
  return values;
}

function valueOf(field: FieldShape, received: unknown, readJson: ReadJson, path: FieldPath): unknown {
  const { value: shape, absent, isWrapped, name } = field;
  if (received === undefined) return absent === 'null' ? null : undefined;
  const within = [...path, name];
  // A map has no presence.
  if (shape.kind === 'texts' && absent === 'omitted' && (received as ReadonlyMap<string, string>).size === 0)
    return undefined;
  return fromValue(shape, isWrapped ? (received as Message)['items'] : received, readJson, within);
}

function fromValue(shape: ValueShape, received: unknown, readJson: ReadJson, path: FieldPath): unknown {
  switch (shape.kind) {
    case 'text':
    case 'flag':
    case 'number':
      return received;
    case 'bytes':
      return textOf(received as Uint8Array);
    case 'json':
      return readJson(received as Uint8Array, path);
    case 'texts':
      return Object.fromEntries(received as ReadonlyMap<string, string>);
    case 'message':
      return fromMessage(shape.message, received as Message, readJson, path);
    case 'list':
      // Thousands of dependencies need no path each.
      if (shape.of.kind === 'number' || shape.of.kind === 'text') return received;
      return (received as readonly unknown[]).map((element, index) =>
        fromValue(shape.of, element, readJson, [...path, index]),
      );
  }
}

const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
