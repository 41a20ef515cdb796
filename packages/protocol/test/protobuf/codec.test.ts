import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import {
  DTM_BRANCH_REQUEST,
  DTM_PROGRESSES_REPLY,
  DTM_PROTO,
  DTM_REQUEST,
  EMPTY_PROTO,
  holdfastService,
  WORKFLOW_PROTO,
} from '@holdfast/protocol/grpc';
import {
  decodeMessage,
  describeFile,
  encodeMessage,
  type MessageInput,
  type MessageOf,
  ProtobufError,
  type ProtoField,
  type ProtoFile,
  type ProtoMessage,
} from '@holdfast/protocol/protobuf';

/** The library that the codec is compared with. */
const reference = (file: string): protobuf.Root =>
  new protobuf.Root().loadSync(fileURLToPath(new URL(`../../proto/${file}`, import.meta.url)), { keepCase: true });

const dtm = reference('dtmgimp.proto');
const holdfast = reference('holdfast/v1/holdfast.proto');
const { operations, file: HOLDFAST_PROTO } = holdfastService();

const text = fc.string({ unit: 'grapheme' });
const seconds = fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER });
const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));
const texts = fc
  .uniqueArray(fc.tuple(text, text), { maxLength: 5, selector: ([key]) => key })
  .map((all) => new Map(all));

/** A message of a type, with every field; optional ones may be absent. */
function messageOf(type: ProtoMessage): fc.Arbitrary<MessageInput<ProtoMessage>> {
  const fields = Object.entries(type.fields).map(([name, field]) => [name, valueOf(field)]);
  return fc.record(Object.fromEntries(fields) as Record<string, fc.Arbitrary<unknown>>) as ReturnType<typeof messageOf>;
}

function valueOf(field: ProtoField): fc.Arbitrary<unknown> {
  if ('optional' in field) return fc.option(presentValueOf(field), { nil: undefined });
  return presentValueOf(field);
}

function presentValueOf(field: ProtoField): fc.Arbitrary<unknown> {
  switch (field.type) {
    case 'string':
      return text;
    case 'bytes':
      return bytes;
    case 'bool':
      return fc.boolean();
    case 'int32':
      return fc.integer();
    case 'int64':
      return seconds;
    case 'map':
      return texts;
    case 'message':
      return fc.option(messageOf(field.of), { nil: undefined });
    case 'repeated': {
      const one: fc.Arbitrary<unknown> =
        typeof field.of === 'string' ? { string: text, bytes, int64: seconds }[field.of] : messageOf(field.of);
      return fc.array(one, { maxLength: 5 });
    }
  }
}

/** A message in the form that the library takes and returns. */
const plain = (value: unknown): unknown => {
  if (value instanceof Map) return Object.fromEntries(value);
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, inner]) => inner !== undefined)
        .map(([name, inner]) => [name, plain(inner)]),
    );
  return value;
};

const MESSAGES: readonly (readonly [string, ProtoMessage])[] = [
  ...[DTM_REQUEST, DTM_BRANCH_REQUEST, DTM_PROGRESSES_REPLY].map((type) => ['dtmgimp', type] as const),
  // Fields with presence, numbers in lists, and messages in messages.
  ...[operations.createTransaction.request, operations.getTransaction.response, operations.getStatus.response].map(
    ({ proto }) => ['holdfast.v1', proto] as const,
  ),
];

describe.each(MESSAGES)('the codec for %s $name', (within, type) => {
  const library = (within === 'dtmgimp' ? dtm : holdfast).lookupType(`${within}.${type.name}`);
  const options = { longs: Number, defaults: true, arrays: true, objects: true } as const;

  it('writes what the library reads', () => {
    fc.assert(
      fc.property(messageOf(type), (message) => {
        const read = library.toObject(library.decode(encodeMessage(type, message)), options);
        expect(withoutNull(read)).toEqual(plain(message));
      }),
    );
  });

  it('reads what the library writes', () => {
    fc.assert(
      fc.property(messageOf(type), (message) => {
        const written = library.encode(library.fromObject(plain(message) as object)).finish();
        expect(plain(decodeMessage(type, written))).toEqual(plain(message));
      }),
    );
  });

  it('reads any bytes without an exception other than ProtobufError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (random) => {
        try {
          decodeMessage(type, random);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtobufError);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('reads no message from a truncated one, unless it ends between two fields', () => {
    fc.assert(
      fc.property(messageOf(type), fc.nat(), (message, at) => {
        const whole = encodeMessage(type, message);
        const part = whole.subarray(0, at % (whole.length + 1));
        try {
          expect(encodeMessage(type, inputOf(decodeMessage(type, part)))).toEqual(part);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtobufError);
        }
      }),
    );
  });
});

/** A decoded message is one to be encoded. */
const inputOf = <M extends ProtoMessage>(message: MessageOf<M>): MessageInput<M> => message as MessageInput<M>;

/** The library gives null for an absent message. */
const withoutNull = (message: unknown): unknown => {
  if (Array.isArray(message)) return message.map(withoutNull);
  if (typeof message !== 'object' || message === null || Buffer.isBuffer(message)) return message;
  const fields = Object.entries(message).filter(([, value]) => value !== null);
  return Object.fromEntries(fields.map(([name, value]) => [name, withoutNull(value)]));
};

describe('decoding a message', () => {
  const decode = (...hex: string[]) => decodeMessage(DTM_REQUEST, Buffer.from(hex.join(''), 'hex'));

  it('skips unknown fields of every wire type, groups included', () => {
    const unknown = [
      'a00601',
      'a1060102030405060708',
      'a2060161',
      'a506 01020304'.replace(' ', ''),
      'a306 08 01 a406'.replaceAll(' ', ''),
    ];
    expect(decode(...unknown, '0a026731').Gid).toBe('g1');
  });

  it('takes the last of repeated scalars, and merges a repeated message', () => {
    expect(decode('0a0161', '0a0162').Gid).toBe('b');
    const options = decode('1a020801', '1a021005').TransOptions;
    expect([options?.WaitResult, options?.TimeoutToFail]).toEqual([true, 5]);
  });

  it.each([
    ['0801', 'Gid has wire type 0; its type has 2'],
    ['0a01ff', 'Gid is not UTF-8'],
    ['0a05', 'Gid is cut off: it should have 5 more bytes at byte 2'],
    ['1a0b 10ffffffffffffffff7f', 'TransOptions is cut off'],
    ['1a0a 10ffffffffffffffff7f', 'TransOptions.TimeoutToFail must be within ±(2^53 - 1)'],
    ['1a0c 10ffffffffffffffffffff01', 'TransOptions.TimeoutToFail has a number of more than 10 bytes'],
    ['00', 'the message has no valid field number at byte 0'],
    ['0c', 'Gid has wire type 4; its type has 2'],
    ['a406', 'the message has wire type 4'],
    ['a306', 'the message is cut off in group 100'],
    ['a306 ac06', 'the message has a group 100 that ends as group 101'],
    ['a306'.repeat(40), 'nested deeper than 32'],
    ['2a00'.repeat(1_001), 'BinPayloads has more than 1000 elements'],
    ['a00601'.repeat(100_001), 'the message has more than 100000 fields'],
  ])('rejects %.40s: %s', (hex, fault) => {
    expect(() => decode(hex.replaceAll(' ', ''))).toThrow(fault);
  });

  it('rejects unknown fields if it is to', () => {
    const decoded = (hex: string) => decodeMessage(DTM_REQUEST, Buffer.from(hex, 'hex'), { unknownFields: 'rejected' });
    expect(decoded('0a026731').Gid).toBe('g1');
    expect(() => decoded('a00601')).toThrow('the message has no field with the number 100');
    expect(() => decoded('1a03a00601')).toThrow('TransOptions has no field with the number 100');
  });

  it('reads numbers that are packed, or have a field each, and counts both', () => {
    const { fields } = operations.createTransaction.request.proto;
    const steps = fields['steps'] as Extract<ProtoField, { type: 'repeated' }>;
    const after = (steps.of as ProtoMessage).fields['after'] as Extract<ProtoField, { type: 'message' }>;
    const read = (hex: string) => decodeMessage(after.of, Buffer.from(hex, 'hex'))['items'];
    expect([read('0a03010203'), read('080108020803'), read('0801 0a0202 03'.replaceAll(' ', ''))]).toEqual([
      [1, 2, 3],
      [1, 2, 3],
      [1, 2, 3],
    ]);
    expect(() => read('0a02ff')).toThrow('items is cut off');
    const tooMany = after.of.fields['items'] as Extract<ProtoField, { type: 'repeated' }>;
    const many = Buffer.concat([Buffer.from('0aa28d06', 'hex'), Buffer.alloc(100_002)]);
    expect(() => decodeMessage(after.of, many)).toThrow(`items has more than ${tooMany.most} elements`);
  });

  it('bounds the fields and the numbers of a message in total, those of its parts included', () => {
    const { proto } = operations.createTransaction.request;
    const decoded = (hex: string) => () => decodeMessage(proto, Buffer.from(hex, 'hex'), { mostFields: 100 });
    // `branch_headers`: an entry and its key are fields.
    expect(decoded('72020a00'.repeat(50))).not.toThrow();
    expect(decoded('72020a00'.repeat(51))).toThrow('the message has more than 100 fields');
    const numbers = {
      name: 'Numbers',
      fields: { items: { number: 1, type: 'repeated', of: 'int64', most: 1e6 } },
    } as const;
    const packed = Buffer.concat([Buffer.from('0aa18d06', 'hex'), Buffer.alloc(100_001)]);
    expect(() => decodeMessage(numbers, packed)).toThrow('the message has more than 100000 numbers in lists');
  });

  it('rejects an integer that a JavaScript number cannot hold, rather than rounding it', () => {
    expect(() => decode('1a0a', '10ffffffffffffffff7f')).toThrow('must be within');
    expect(decode('1a0b', '10ffffffffffffffffff01').TransOptions?.TimeoutToFail).toBe(-1);
  });
});

describe('the published .proto files', () => {
  it.each([
    ['dtmgimp.proto', DTM_PROTO],
    ['workflow.proto', WORKFLOW_PROTO],
    ['holdfast/v1/holdfast.proto', HOLDFAST_PROTO],
  ] as const)('%s has the messages and services of the tables', (name, file: ProtoFile) => {
    const root = reference(name);
    const messages = file.messages.map((message) => {
      const type = root.lookupType(`${file.package}.${message.name}`);
      return [message.name, Object.fromEntries(type.fieldsArray.map((field) => [field.name, described(field)]))];
    });
    expect(messages).toEqual(
      file.messages.map(({ name: message, fields }) => [
        message,
        Object.fromEntries(Object.entries(fields).map(([field, type]) => [field, describedInTable(type)])),
      ]),
    );
    const services = file.services.map((service) =>
      root.lookupService(`${file.package}.${service.name}`).methodsArray.map((method) => {
        method.resolve();
        const { name: found, resolvedRequestType: input, resolvedResponseType: output } = method;
        return [found, input?.fullName.slice(1), output?.fullName.slice(1)];
      }),
    );
    expect(services).toEqual(
      file.services.map(({ methods }) => methods.map(({ name: method, input, output }) => [method, input, output])),
    );
  });

  it('are described for server reflection in the form that clients read', async () => {
    const { default: descriptor } = await import('protobufjs/ext/descriptor/index.js');
    const set = descriptor.FileDescriptorSet.create({
      file: [EMPTY_PROTO, DTM_PROTO].map((file) => descriptor.FileDescriptorProto.decode(describeFile(file))),
    });
    const root = (protobuf.Root as unknown as { fromDescriptor(from: unknown): protobuf.Root }).fromDescriptor(set);
    const type = root.lookupType('dtmgimp.DtmRequest');
    const bytesOf = encodeMessage(DTM_REQUEST, {
      Gid: 'g',
      ReqExtra: new Map([['a', 'b']]),
      BinPayloads: [Buffer.from('x')],
    });
    // The library reads the entries of a map that is described as messages.
    expect(type.toObject(type.decode(bytesOf))).toMatchObject({ Gid: 'g', ReqExtra: [{ key: 'a', value: 'b' }] });
    expect(root.lookupService('dtmgimp.Dtm').methodsArray.map(({ name }) => name)).toContain('PrepareWorkflow');
  });

  it('are described with the presence of their fields', async () => {
    const { default: descriptor } = await import('protobufjs/ext/descriptor/index.js');
    const file = descriptor.FileDescriptorProto.decode(describeFile(HOLDFAST_PROTO));
    const { messageType } = descriptor.FileDescriptorProto.toObject(file, { arrays: true }) as unknown as {
      readonly messageType: readonly {
        readonly name: string;
        readonly field: readonly { readonly name: string; readonly oneofIndex?: number }[];
        readonly oneofDecl: readonly { readonly name: string }[];
      }[];
    };
    for (const { name, field, oneofDecl } of messageType) {
      const { fields } = HOLDFAST_PROTO.messages.find((message) => message.name === name) as ProtoMessage;
      for (const { name: described, oneofIndex } of field)
        expect([name, described, oneofIndex === undefined ? '' : oneofDecl[oneofIndex]?.name]).toEqual([
          name,
          described,
          'optional' in (fields[described] as ProtoField) ? `_${described}` : '',
        ]);
    }
  });
});

const described = (field: protobuf.Field): unknown => {
  const { id, type, repeated, map, options } = field.resolve();
  return { id, type: map ? 'map' : type, repeated, optional: options?.['proto3_optional'] === true };
};

const describedInTable = (field: ProtoField): unknown => {
  const common = { id: field.number, optional: 'optional' in field };
  if (field.type === 'message') return { ...common, type: field.of.name, repeated: false };
  if (field.type !== 'repeated') return { ...common, type: field.type, repeated: false };
  return { ...common, type: typeof field.of === 'string' ? field.of : field.of.name, repeated: true };
};
