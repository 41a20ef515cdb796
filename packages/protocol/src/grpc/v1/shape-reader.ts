import type { ProtoField, ProtoMessage } from '../../protobuf/schema.ts';
import { choicesOf, isOpenMap, type JsonSchema, propertiesOf, withoutNull } from './json-schema.ts';
import type { Numbering } from './numbering.ts';
import {
  type ElementShape,
  type FieldShape,
  type MessageShape,
  protoNameOf,
  typeNameOf,
  type ValueShape,
} from './shape.ts';

/** Elements that are read of a list without a limit of its schema; bounds the memory. */
const MOST_ELEMENTS = 100_000;
/** Entries that are read of a map; the API accepts fewer. */
const MOST_ENTRIES = 1_000;

/**
 * Elements that are read of a list. The API rejects a list that is a little too long, with its
 * limit and the number of elements; a much longer one is not read to its end.
 */
const mostElements = ({ maxItems }: JsonSchema): number => (maxItems === undefined ? MOST_ELEMENTS : 2 * maxItems);

/** Derives messages from JSON schemas. Each message is derived once. */
export class ShapeReader {
  readonly #numbers: Numbering;
  readonly #messages = new Map<string, MessageShape>();

  constructor(numbers: Numbering) {
    this.#numbers = numbers;
  }

  /** The messages that were derived until now, in order. */
  get messages(): readonly MessageShape[] {
    return [...this.#messages.values()];
  }

  /** The message of a schema; its name is that of the schema, if it has one. */
  messageOf(schema: JsonSchema, name: string, root: JsonSchema = schema): MessageShape {
    const reference = schema.$ref?.split('/').at(-1);
    if (reference === undefined) return this.#derived(schema, name, root);
    const known = this.#messages.get(reference);
    if (known !== undefined) return known;
    const definition = root.$defs?.[reference];
    if (definition === undefined) throw new TypeError(`${name} refers to ${reference}, which is not defined`);
    return this.#derived(definition, reference, root);
  }

  #derived(schema: JsonSchema, name: string, root: JsonSchema): MessageShape {
    const { properties, required } = propertiesOf(schema);
    const fields = Object.entries(properties).map(([field, property]) =>
      this.fieldOf(name, field, property, required.has(field), root),
    );
    return this.define(name, fields);
  }

  /** Adds a message with these fields. */
  define(name: string, fields: readonly FieldShape[]): MessageShape {
    if (this.#messages.has(name)) throw new TypeError(`there are two messages ${name}`);
    const entries = fields.map((field) => [field.protoName, this.#protoFieldOf(name, field)] as const);
    if (new Set(entries.map(([field]) => field)).size < entries.length)
      throw new TypeError(`${name} has two fields with the same name`);
    const proto: ProtoMessage = { name, fields: Object.fromEntries(entries) };
    const message = { proto, fields };
    this.#messages.set(name, message);
    return message;
  }

  fieldOf(within: string, name: string, property: JsonSchema, isRequired: boolean, root: JsonSchema): FieldShape {
    const { schema, isNullable } = withoutNull(property);
    const value = this.#valueOf(schema, within + typeNameOf(name), root);
    const isPresent = isRequired || schema.default !== undefined;
    return {
      name,
      protoName: protoNameOf(name),
      value,
      absent: isNullable ? 'null' : isPresent ? 'default' : 'omitted',
      isWrapped: value.kind === 'list' && !isPresent,
      choices: choicesOf(schema),
    };
  }

  #valueOf(schema: JsonSchema, name: string, root: JsonSchema): ValueShape {
    if (schema.$ref !== undefined || schema.oneOf !== undefined)
      return { kind: 'message', message: this.messageOf(schema, name, root) };
    switch (schema.type) {
      case undefined:
        return { kind: 'json' };
      case 'string':
        return {
          kind:
            (schema.protoType ?? (schema.contentEncoding === 'base64' ? 'bytes' : 'string')) === 'bytes'
              ? 'bytes'
              : 'text',
        };
      case 'boolean':
        return { kind: 'flag' };
      case 'number':
      case 'integer':
        return { kind: 'number' };
      case 'array':
        return {
          kind: 'list',
          of: this.#elementOf(schema.items ?? {}, name, root),
          most: mostElements(schema),
        };
      case 'object':
        if (isOpenMap(schema)) return this.#textsOf(schema, name);
        return { kind: 'message', message: this.messageOf(schema, name, root) };
      default:
        throw new TypeError(`${name}: a value of the type ${String(schema.type)} has no form in a message`);
    }
  }

  #elementOf(schema: JsonSchema, name: string, root: JsonSchema): ElementShape {
    const element = this.#valueOf(schema, name.replace(/s$/, ''), root);
    if (element.kind === 'message') return element;
    if (element.kind === 'text' || element.kind === 'number') return { kind: element.kind };
    throw new TypeError(`${name}: a list of ${element.kind} has no form in a message`);
  }

  #textsOf({ additionalProperties }: JsonSchema, name: string): ValueShape {
    if (typeof additionalProperties === 'object' && additionalProperties.type === 'string') return { kind: 'texts' };
    throw new TypeError(`${name}: a map must have texts as values`);
  }

  #protoFieldOf(message: string, field: FieldShape): ProtoField {
    const number = this.#numbers.of(message, field.protoName);
    const { value } = field;
    switch (value.kind) {
      case 'texts':
        return { number, type: 'map', most: MOST_ENTRIES };
      case 'message':
        return { number, type: 'message', of: value.message.proto };
      case 'list': {
        const list = { type: 'repeated', of: elementTypeOf(value.of), most: value.most } as const;
        if (!field.isWrapped) return { number, ...list };
        return { number, type: 'message', of: this.#wrapperOf(message, field, list) };
      }
      default:
        return { number, type: SCALARS[value.kind], ...(field.absent !== 'default' && { optional: true }) };
    }
  }

  /** The message of a list that can be absent. */
  #wrapperOf(
    message: string,
    field: FieldShape,
    list: Omit<Extract<ProtoField, { type: 'repeated' }>, 'number'>,
  ): ProtoMessage {
    const name = message + typeNameOf(field.name);
    const proto: ProtoMessage = { name, fields: { items: { number: this.#numbers.of(name, 'items'), ...list } } };
    this.#messages.set(name, { proto, fields: [] });
    return proto;
  }
}

const SCALARS = { text: 'string', flag: 'bool', number: 'int64', bytes: 'bytes', json: 'bytes' } as const;

function elementTypeOf(element: ElementShape): 'string' | 'int64' | ProtoMessage {
  if (element.kind === 'message') return element.message.proto;
  return element.kind === 'text' ? 'string' : 'int64';
}
