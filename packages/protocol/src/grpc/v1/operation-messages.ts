import { HoldfastError } from '../../errors.ts';
import type { FieldNames } from '../../field-path.ts';
import type { QueryValues } from '../../operations/http-request.ts';
import { type Operation, pathFieldsOf } from '../../operations/operation.ts';
import { LIMITS } from '../../limits.ts';
import { decodeMessage } from '../../protobuf/decode.ts';
import { encodeMessage } from '../../protobuf/encode.ts';
import type { ProtoField } from '../../protobuf/schema.ts';
import { fromMessage, type ReadJson } from './from-message.ts';
import { type JsonSchema, jsonSchemaOf, propertiesOf } from './json-schema.ts';
import type { ShapeReader } from './shape-reader.ts';
import { type FieldShape, type MessageShape, typeNameOf, type ValueShape } from './shape.ts';
import { toCheckedMessage, toMessage } from './to-message.ts';

/** The parts of an operation that its messages contain. */
export type MessageParts = Pick<Operation, 'path' | 'query' | 'body' | 'waits' | 'result'>;

/** The input of any operation: the fields of its path are texts. */
export interface OperationCall {
  readonly [field: string]: unknown;
  readonly query?: QueryValues;
  readonly body?: unknown;
}

/** An input with the time that the caller waits for the transaction to finish; 0: not at all. */
export interface DecodedCall {
  readonly input: OperationCall;
  readonly waitMs: number;
}

type Part = 'path' | 'query' | 'body' | 'wait';

const WAIT_MS = 'waitMs';

/**
 * The messages of one operation. The request has the fields of the operation's path, query and
 * body, and `wait_ms`; the response has those of its result.
 */
export class OperationMessages {
  /** The name of the method: `CreateTransaction`. */
  readonly method: string;
  readonly request: MessageShape;
  readonly response: MessageShape;
  /** The names of the request's fields, by those of `/api/v1`. */
  readonly fieldNames: FieldNames;
  readonly #parts: ReadonlyMap<string, Part>;

  constructor(name: string, operation: MessageParts, reader: ShapeReader) {
    this.method = typeNameOf(name);
    const request = `${this.method}Request`;
    const parts = partsOf(operation, request, reader);
    this.request = reader.define(
      request,
      parts.map(([, field]) => field),
    );
    this.#parts = new Map(parts.map(([part, { name: field }]) => [field, part]));
    const response = `${this.method}Response`;
    this.response =
      operation.result === undefined
        ? reader.define(response, [])
        : reader.messageOf(jsonSchemaOf(operation.result, 'output'), response);
    this.fieldNames = Object.fromEntries(namesIn(this.request, '', ''));
  }

  /** Encodes an input. Throws `invalid`, naming the field, for a value of another type. */
  encodeInput({ query, body, ...path }: OperationCall, waitMs = 0): Buffer {
    if (typeof body !== 'object' && body !== undefined)
      throw new HoldfastError('invalid', `the request must be an object, not a ${typeof body}`);
    const values = { ...path, ...query, ...body, ...(waitMs > 0 && { [WAIT_MS]: waitMs }) };
    return encodeMessage(this.request.proto, toCheckedMessage(this.request, values));
  }

  /**
   * Decodes an input, which the operation's schemas check later. Throws `ProtobufError`, also for
   * unknown fields, and `invalid` for a missing field of the path.
   */
  decodeInput(bytes: Uint8Array, readJson: ReadJson): DecodedCall {
    const options = { unknownFields: 'rejected', mostFields: LIMITS.requestFields } as const;
    const message = decodeMessage(this.request.proto, bytes, options);
    const values = fromMessage(this.request, message, readJson);
    const input: Record<string, unknown> = {};
    const parts: Partial<Record<Part, Record<string, unknown>>> = {};
    for (const [field, part] of this.#parts) {
      const within = part === 'path' ? input : (parts[part] ??= {});
      if (values[field] !== undefined) within[field] = values[field];
      if (part === 'path' && values[field] === '')
        throw new HoldfastError('invalid', 'is missing; it must be a string', { field: [field] });
    }
    const { query, body, wait } = parts;
    if (query !== undefined) input['query'] = query;
    if (body !== undefined) input['body'] = body;
    return { input, waitMs: (wait?.[WAIT_MS] as number | undefined) ?? 0 };
  }

  /** Encodes a result of the operation. */
  encodeResult(result: unknown): Buffer {
    return encodeMessage(this.response.proto, toMessage(this.response, (result ?? {}) as Record<string, unknown>));
  }

  /**
   * Encodes a result that may be long: yields after each element of its lists. The pieces are one
   * message when they are concatenated.
   */
  *encodeResultInPieces(result: unknown): Generator<Buffer, undefined> {
    yield* piecesOf(this.response, (result ?? {}) as Readonly<Record<string, unknown>>);
  }

  /** Decodes a result. Throws `ProtobufError`; fields of later versions are skipped. */
  decodeResult(bytes: Uint8Array): Record<string, unknown> {
    return fromMessage(this.response, decodeMessage(this.response.proto, bytes), (json) =>
      JSON.parse(Buffer.from(json).toString()),
    );
  }
}

const NO_BYTES = Buffer.alloc(0);

function* piecesOf(shape: MessageShape, values: Readonly<Record<string, unknown>>): Generator<Buffer, undefined> {
  const { proto, fields } = shape;
  const lists = fields.filter(({ value, isWrapped }) => value.kind === 'list' && !isWrapped);
  const parts = fields.filter(({ name, value }) => isLong(value) && values[name] !== undefined);
  const rest = { ...values };
  for (const { name } of [...lists, ...parts]) delete rest[name];
  yield encodeMessage(proto, toMessage(shape, rest));
  for (const field of lists) {
    const one = { proto, fields: [field] };
    for (const element of (values[field.name] ?? []) as readonly unknown[])
      yield encodeMessage(proto, toMessage(one, { [field.name]: [element] }));
  }
  for (const { name, protoName, value } of parts) {
    const pieces: Buffer[] = [];
    for (const piece of piecesOf((value as LongPart).message, values[name] as Readonly<Record<string, unknown>>)) {
      pieces.push(piece);
      yield NO_BYTES;
    }
    // The length of a part comes before it. On the wire a message is its bytes.
    const { number } = proto.fields[protoName] as ProtoField;
    const bytes = { name: proto.name, fields: { [protoName]: { number, type: 'bytes', optional: true } } } as const;
    yield encodeMessage(bytes, { [protoName]: Buffer.concat(pieces) });
  }
}

type LongPart = Extract<ValueShape, { readonly kind: 'message' }>;

/** Whether a value is a message with lists. */
const isLong = (value: ValueShape): value is LongPart =>
  value.kind === 'message' && value.message.fields.some((field) => field.value.kind === 'list');

function partsOf(
  operation: MessageParts,
  request: string,
  reader: ShapeReader,
): readonly (readonly [Part, FieldShape])[] {
  const fieldsOf = (part: Part, schema: JsonSchema): (readonly [Part, FieldShape])[] => {
    const { properties, required } = propertiesOf(schema);
    return Object.entries(properties).map(([name, property]) => [
      part,
      reader.fieldOf(request, name, property, required.has(name), schema),
    ]);
  };
  return [
    ...pathFieldsOf(operation).flatMap((name) => fieldsOf('path', requiredField(name, 'string'))),
    ...(operation.query === undefined ? [] : fieldsOf('query', jsonSchemaOf(operation.query, 'input'))),
    ...(operation.body === undefined ? [] : fieldsOf('body', jsonSchemaOf(operation.body, 'input'))),
    ...(operation.waits === true ? fieldsOf('wait', requiredField(WAIT_MS, 'integer')) : []),
  ];
}

const requiredField = (name: string, type: string): JsonSchema => ({
  type: 'object',
  properties: { [name]: { type } },
  required: [name],
});

/** The fields of a message that are named differently than in JSON, with those of its parts. */
function namesIn({ fields }: MessageShape, json: string, proto: string): [string, string][] {
  return fields.flatMap(({ name, protoName, value, isWrapped }) => {
    const [from, to] = [json + name, proto + protoName];
    const own: [string, string][] = from === to ? [] : [[from, to]];
    if (value.kind === 'message') return [...own, ...namesIn(value.message, `${from}.`, `${to}.`)];
    if (value.kind !== 'list') return own;
    const [fromElement, toElement] = [`${from}[]`, isWrapped ? `${to}.items[]` : `${to}[]`];
    const element: [string, string][] = fromElement === toElement ? [] : [[fromElement, toElement]];
    const within = value.of.kind === 'message' ? namesIn(value.of.message, `${fromElement}.`, `${toElement}.`) : [];
    return [...own, ...element, ...within];
  });
}
