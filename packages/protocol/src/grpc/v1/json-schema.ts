import { z } from 'zod';
import { MESSAGE_NOTES } from './message-names.ts';

/** The part of JSON Schema that the schemas of `/api/v1` use. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly maxItems?: number;
  readonly propertyNames?: JsonSchema;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly oneOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly enum?: readonly string[];
  readonly const?: string;
  readonly default?: unknown;
  readonly contentEncoding?: string;
  readonly protoType?: 'string' | 'bytes';
}

/** The schema of a request as it is sent, or of a response as it is received. */
export const jsonSchemaOf = (schema: z.ZodType, io: 'input' | 'output'): JsonSchema =>
  z.toJSONSchema(schema, { io, metadata: MESSAGE_NOTES, unrepresentable: 'any' }) as JsonSchema;

/** The properties of an object, and which of them are always present. */
export interface Properties {
  readonly properties: Readonly<Record<string, JsonSchema>>;
  readonly required: ReadonlySet<string>;
}

/**
 * The properties of an object. Those of a union of objects are together in one message: a property
 * is required if it is in every alternative.
 */
export function propertiesOf(schema: JsonSchema): Properties {
  const alternatives = schema.oneOf ?? schema.anyOf;
  if (alternatives === undefined) return propertiesOfObject(schema);
  const all = alternatives.map(propertiesOf);
  const properties: Record<string, JsonSchema> = {};
  for (const alternative of all)
    for (const [name, property] of Object.entries(alternative.properties))
      properties[name] = properties[name] === undefined ? property : merged(name, properties[name], property);
  const required = Object.keys(properties).filter((name) => all.every((each) => each.required.has(name)));
  return { properties, required: new Set(required) };
}

function propertiesOfObject({
  properties,
  required = [],
  propertyNames,
  additionalProperties,
}: JsonSchema): Properties {
  if (properties !== undefined) return { properties, required: new Set(required) };
  // A map whose keys are known.
  const keys = propertyNames?.enum ?? [];
  const each = typeof additionalProperties === 'object' ? additionalProperties : {};
  return { properties: Object.fromEntries(keys.map((key) => [key, each])), required: new Set(required) };
}

/** Whether the keys of a map are unknown, so that it cannot be a message with a field for each. */
export const isOpenMap = ({ properties, propertyNames, additionalProperties, oneOf }: JsonSchema): boolean =>
  oneOf === undefined &&
  properties === undefined &&
  propertyNames?.enum === undefined &&
  typeof additionalProperties === 'object';

function merged(name: string, one: JsonSchema, other: JsonSchema): JsonSchema {
  if (one.type !== other.type || one.contentEncoding !== other.contentEncoding || one.$ref !== other.$ref)
    throw new TypeError(`${name} has different types in the alternatives of a union`);
  const choices = [...new Set([...choicesOf(one), ...choicesOf(other)])];
  const { const: _one, enum: _all, ...rest } = one;
  const isOpen = choicesOf(one).length === 0 || choicesOf(other).length === 0;
  return isOpen ? rest : { ...rest, enum: choices };
}

/** The texts that a value may have; empty: any. */
export const choicesOf = (schema: JsonSchema): readonly string[] =>
  schema.enum ?? (schema.const === undefined ? [] : [schema.const]);

/** A schema without the alternative null, and whether it had it. */
export function withoutNull(schema: JsonSchema): { readonly schema: JsonSchema; readonly isNullable: boolean } {
  const { type, anyOf } = schema;
  if (typeof type === 'object' && type.includes('null')) {
    const only = type.find((each) => each !== 'null');
    return { schema: { ...schema, ...(only !== undefined && { type: only }) }, isNullable: true };
  }
  const [first, second] = anyOf ?? [];
  if (anyOf?.length === 2 && first !== undefined && second?.type === 'null') return { schema: first, isNullable: true };
  return { schema, isNullable: false };
}
