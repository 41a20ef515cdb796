import protobuf from 'protobufjs';

type Values = Readonly<Record<string, unknown>>;

/** The types of a `.proto` file, with the comments of their fields. */
export function loadTypes(text: string): protobuf.Root {
  const { root } = protobuf.parse(text, { keepCase: false, alternateCommentMode: true });
  root.resolveAll();
  return root;
}

/** A JSON value in the form in which a client of the library gives it to a message of this type. */
export function protoOf(type: protobuf.Type, value: Values): Record<string, unknown> {
  const message: Record<string, unknown> = {};
  for (const [name, given] of Object.entries(value)) {
    const field = type.fields[name];
    if (field === undefined) throw new Error(`${type.name} has no field ${name}`);
    if (given !== undefined && (given !== null || isJson(field))) message[name] = fieldOf(field, given);
  }
  return message;
}

const isJson = (field: protobuf.Field): boolean => field.comment === 'A JSON text.';

function fieldOf(field: protobuf.Field, value: unknown): unknown {
  if (isJson(field)) return Buffer.from(JSON.stringify(value));
  if (field.type === 'bytes') return Buffer.from(value as string, 'base64');
  const { resolvedType } = field;
  if (field.map || !(resolvedType instanceof protobuf.Type)) return value;
  if (field.repeated) return (value as readonly Values[]).map((each) => protoOf(resolvedType, each));
  return protoOf(resolvedType, Array.isArray(value) ? { items: value } : (value as Values));
}

/**
 * A value without what JSON and messages write differently: null and absent fields, and bytes.
 */
export function comparable(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== undefined && inner !== null)
      // The library adds the name of the oneof of an optional field.
      .filter(([name]) => !name.startsWith('_'))
      .map(([name, inner]) => [name, comparable(inner)]),
  );
}
