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

const text = fc.string({ unit: 'grapheme' });
const seconds = fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER });
const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));
const texts = fc
  .uniqueArray(fc.tuple(text, text), { maxLength: 5, selector: ([key]) => key })
  .map((all) => new Map(all));

/** A message of a type, with every field. */
function messageOf(type: ProtoMessage): fc.Arbitrary<Record<string, unknown>> {
  return fc.record(Object.fromEntries(Object.entries(type.fields).map(([name, field]) => [name, valueOf(field)])));
}

function valueOf(field: ProtoField): fc.Arbitrary<unknown> {
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
        field.of === 'string' ? text : field.of === 'bytes' ? bytes : messageOf(field.of);
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

const MESSAGES = [DTM_REQUEST, DTM_BRANCH_REQUEST, DTM_PROGRESSES_REPLY] as const;

describe.each(MESSAGES)('the codec for $name', (type) => {
  const library = dtm.lookupType(`dtmgimp.${type.name}`);
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
const withoutNull = (message: object): object =>
  Object.fromEntries(Object.entries(message).filter(([, value]) => value !== null));

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

  it('rejects an integer that a JavaScript number cannot hold, rather than rounding it', () => {
    expect(() => decode('1a0a', '10ffffffffffffffff7f')).toThrow('must be within');
    expect(decode('1a0b', '10ffffffffffffffffff01').TransOptions?.TimeoutToFail).toBe(-1);
  });
});

describe('the published .proto files', () => {
  it.each([
    ['dtmgimp.proto', DTM_PROTO],
    ['workflow.proto', WORKFLOW_PROTO],
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
});

const described = (field: protobuf.Field): unknown => {
  const { id, type, repeated, map } = field.resolve();
  return { id, type: map ? 'map' : type, repeated };
};

const describedInTable = (field: ProtoField): unknown => {
  const { number: id } = field;
  if (field.type === 'message') return { id, type: field.of.name, repeated: false };
  if (field.type !== 'repeated') return { id, type: field.type, repeated: false };
  return { id, type: typeof field.of === 'string' ? field.of : field.of.name, repeated: true };
};
