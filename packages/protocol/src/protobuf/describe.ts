import { encodeMessage } from './encode.ts';
import type { MessageInput, ProtoField, ProtoFile, ProtoMessage } from './schema.ts';

/**
 * The messages of `google/protobuf/descriptor.proto` that server reflection needs, with their field
 * numbers.
 */
const FIELD = {
  name: 'FieldDescriptorProto',
  fields: {
    name: { number: 1, type: 'string' },
    number: { number: 3, type: 'int32' },
    label: { number: 4, type: 'int32' },
    type: { number: 5, type: 'int32' },
    type_name: { number: 6, type: 'string' },
    oneof_index: { number: 9, type: 'int32', optional: true },
    proto3_optional: { number: 17, type: 'bool' },
  },
} as const satisfies ProtoMessage;

const ONEOF = {
  name: 'OneofDescriptorProto',
  fields: { name: { number: 1, type: 'string' } },
} as const satisfies ProtoMessage;

const MESSAGE_OPTIONS = {
  name: 'MessageOptions',
  fields: { map_entry: { number: 7, type: 'bool' } },
} as const satisfies ProtoMessage;

const ENTRY = {
  name: 'DescriptorProto',
  fields: {
    name: { number: 1, type: 'string' },
    field: { number: 2, type: 'repeated', of: FIELD, most: 2 },
    options: { number: 7, type: 'message', of: MESSAGE_OPTIONS },
  },
} as const satisfies ProtoMessage;

const MESSAGE = {
  name: 'DescriptorProto',
  fields: {
    name: { number: 1, type: 'string' },
    field: { number: 2, type: 'repeated', of: FIELD, most: 1_000 },
    nested_type: { number: 3, type: 'repeated', of: ENTRY, most: 1_000 },
    oneof_decl: { number: 8, type: 'repeated', of: ONEOF, most: 1_000 },
  },
} as const satisfies ProtoMessage;

const METHOD = {
  name: 'MethodDescriptorProto',
  fields: {
    name: { number: 1, type: 'string' },
    input_type: { number: 2, type: 'string' },
    output_type: { number: 3, type: 'string' },
    client_streaming: { number: 5, type: 'bool' },
    server_streaming: { number: 6, type: 'bool' },
  },
} as const satisfies ProtoMessage;

const SERVICE = {
  name: 'ServiceDescriptorProto',
  fields: { name: { number: 1, type: 'string' }, method: { number: 2, type: 'repeated', of: METHOD, most: 1_000 } },
} as const satisfies ProtoMessage;

const FILE = {
  name: 'FileDescriptorProto',
  fields: {
    name: { number: 1, type: 'string' },
    package: { number: 2, type: 'string' },
    dependency: { number: 3, type: 'repeated', of: 'string', most: 100 },
    message_type: { number: 4, type: 'repeated', of: MESSAGE, most: 1_000 },
    service: { number: 6, type: 'repeated', of: SERVICE, most: 100 },
    syntax: { number: 12, type: 'string' },
  },
} as const satisfies ProtoMessage;

/** A file as an encoded `FileDescriptorProto`, as server reflection sends it. */
export const describeFile = (file: ProtoFile): Buffer =>
  encodeMessage(FILE, {
    name: file.name,
    package: file.package,
    dependency: file.imports,
    message_type: file.messages.map((message) => describeMessage(file.package, message)),
    service: file.services.map(({ name, methods }) => ({
      name,
      method: methods.map((method) => ({
        name: method.name,
        input_type: `.${method.input}`,
        output_type: `.${method.output}`,
        client_streaming: method.streamsRequests === true,
        server_streaming: method.streamsResponses === true,
      })),
    })),
    syntax: 'proto3',
  });

const describeMessage = (within: string, { name, fields }: ProtoMessage): MessageInput<typeof MESSAGE> => ({
  name,
  field: Object.entries(fields).map(([field, type]) => ({
    ...describeField(within, `${within}.${name}`, field, type),
    ...presenceOf(fields, field),
  })),
  oneof_decl: optionalFieldsOf(fields).map((field) => ({ name: `_${field}` })),
  nested_type: Object.entries(fields)
    .filter(([, { type }]) => type === 'map')
    .map(([field]) => ({
      name: entryName(field),
      field: [
        { name: 'key', number: 1, label: OPTIONAL, type: TYPES.string },
        { name: 'value', number: 2, label: OPTIONAL, type: TYPES.string },
      ],
      options: { map_entry: true },
    })),
});

const optionalFieldsOf = (fields: ProtoMessage['fields']): readonly string[] =>
  Object.entries(fields).flatMap(([name, field]) => ('optional' in field ? [name] : []));

/** An optional field is described as the only member of a oneof. */
function presenceOf(fields: ProtoMessage['fields'], field: string): MessageInput<typeof FIELD> {
  const index = optionalFieldsOf(fields).indexOf(field);
  return index < 0 ? {} : { oneof_index: index, proto3_optional: true };
}

function describeField(within: string, message: string, name: string, field: ProtoField): MessageInput<typeof FIELD> {
  const { number } = field;
  switch (field.type) {
    case 'map':
      return { name, number, label: REPEATED, type: MESSAGE_TYPE, type_name: `.${message}.${entryName(name)}` };
    case 'message':
      return { name, number, label: OPTIONAL, type: MESSAGE_TYPE, type_name: `.${within}.${field.of.name}` };
    case 'repeated':
      return typeof field.of === 'string'
        ? { name, number, label: REPEATED, type: TYPES[field.of] }
        : { name, number, label: REPEATED, type: MESSAGE_TYPE, type_name: `.${within}.${field.of.name}` };
    default:
      return { name, number, label: OPTIONAL, type: TYPES[field.type] };
  }
}

/** protoc derives the name of a map's entries so. */
const entryName = (field: string): string =>
  `${field.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase()).replaceAll('_', '')}Entry`;

/** `FieldDescriptorProto.Label`. */
const OPTIONAL = 1;
const REPEATED = 3;
/** `FieldDescriptorProto.Type`. */
const MESSAGE_TYPE = 11;
const TYPES = { int64: 3, int32: 5, bool: 8, string: 9, bytes: 12 } as const;
