import fc from 'fast-check';
import { z } from 'zod';

interface Json {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Json>>;
  readonly required?: readonly string[];
  readonly items?: Json;
  readonly propertyNames?: Json;
  readonly additionalProperties?: Json;
  readonly oneOf?: readonly Json[];
  readonly anyOf?: readonly Json[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly contentEncoding?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** Values that a schema accepts, as they are sent (`input`) or received (`output`). */
export const valuesOf = (schema: z.ZodType, io: 'input' | 'output'): fc.Arbitrary<unknown> =>
  valueOf(z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json);

/** As it is written by encoders: the unused bits of the last character are zero. */
const base64 = fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('base64'));
/** Texts that are base64, although their schemas do not state it, since they are not checked. */
const BASE64_FIELDS = ['data'];

const text = (minLength: number, maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: 'grapheme-composite', minLength, maxLength: Math.min(maxLength, 12) });

function valueOf(schema: Json): fc.Arbitrary<unknown> {
  const { type, minimum = Number.MIN_SAFE_INTEGER, maximum = Number.MAX_SAFE_INTEGER } = schema;
  const alternatives = schema.oneOf ?? schema.anyOf;
  if (alternatives !== undefined) return fc.oneof(...alternatives.map(valueOf));
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (Array.isArray(type)) return fc.oneof(...type.map((each: string) => valueOf({ ...schema, type: each })));
  switch (type) {
    case undefined:
      return fc.jsonValue();
    case 'null':
      return fc.constant(null);
    case 'string':
      if (schema.contentEncoding === 'base64') return base64;
      return text(schema.minLength ?? 0, schema.maxLength ?? 12);
    case 'boolean':
      return fc.boolean();
    case 'integer':
    case 'number':
      return fc.oneof(
        fc.constantFrom(minimum, maximum, Math.max(minimum, 0)),
        fc.maxSafeInteger().filter((value) => value >= minimum && value <= maximum),
      );
    case 'array':
      return fc.array(valueOf(schema.items ?? {}), { maxLength: Math.min(schema.maxItems ?? 3, 3) });
    case 'object':
      return objectOf(schema);
    default:
      throw new TypeError(`values of the type ${String(type)} are not known here`);
  }
}

function objectOf({ properties, required = [], propertyNames, additionalProperties }: Json): fc.Arbitrary<unknown> {
  if (properties === undefined && propertyNames?.enum !== undefined) {
    const keys = propertyNames.enum as readonly string[];
    return fc.record(Object.fromEntries(keys.map((key) => [key, valueOf(additionalProperties ?? {})])));
  }
  // A message cannot distinguish an absent map from an empty one, and neither does any operation.
  if (properties === undefined)
    return fc.dictionary(text(1, 8), valueOf(additionalProperties ?? {}), { minKeys: 1, maxKeys: 3 });
  return fc.record(
    Object.fromEntries(
      Object.entries(properties).map(([name, property]) => [
        name,
        BASE64_FIELDS.includes(name) ? base64 : valueOf(property),
      ]),
    ),
    {
      requiredKeys: [...required],
    },
  );
}
