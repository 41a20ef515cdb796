import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { OPERATION_NAMES, STREAM_NAMES } from '../../src/index.ts';
import { FIELD_NUMBERS } from '../../src/grpc/v1/field-numbers.ts';
import { createHoldfastService, holdfastService } from '../../src/grpc/v1/holdfast-service.ts';
import { GrowingNumbers, type Numbers } from '../../src/grpc/v1/numbering.ts';
import { renderHoldfastProto, renderNumbers } from '../../src/grpc/v1/published-file.ts';

const PROTO = '../../proto/holdfast/v1/holdfast.proto';
const NUMBERS = '../../src/grpc/v1/field-numbers.ts';
const pathOf = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** The numbers in the published file, those of removed fields included. */
function publishedNumbers(): Numbers {
  if (!existsSync(pathOf(PROTO))) return {};
  const text = readFileSync(pathOf(PROTO), 'utf8');
  const { root } = protobuf.parse(text, { keepCase: true });
  const within = root.lookup('holdfast.v1') as protobuf.Namespace;
  return Object.fromEntries(
    within.nestedArray
      .filter((each) => each instanceof protobuf.Type)
      .map((type) => {
        const { name, fieldsArray } = type;
        // Absent for a type without reserved fields, whatever its declaration states.
        const reserved = (type as { readonly reserved?: protobuf.Type['reserved'] }).reserved ?? [];
        const numbers = reserved.flatMap((each) => (typeof each === 'string' ? [] : [each[0]]));
        const names = reserved.filter((each) => typeof each === 'string');
        const removed = names.map((field, index) => [field, numbers[index] as number] as const);
        return [
          name,
          Object.fromEntries([...fieldsArray.map(({ name: field, id }) => [field, id] as const), ...removed]),
        ];
      }),
  );
}

describe('the published holdfast.proto', () => {
  it('has every operation with the numbers that clients already have, and is current', async () => {
    const numbers = new GrowingNumbers(FIELD_NUMBERS);
    const service = createHoldfastService(numbers);
    // First of all: also a run that updates the files does not change a published number.
    for (const [message, fields] of Object.entries(publishedNumbers()))
      for (const [field, number] of Object.entries(fields))
        expect([message, field, numbers.all[message]?.[field]]).toEqual([message, field, number]);
    const head = readFileSync(pathOf(NUMBERS), 'utf8').replace(/= \{[^]*$/, '= {\n');
    await expect(`${head}${renderNumbers(numbers.all)}};\n`).toMatchFileSnapshot(NUMBERS);
    await expect(renderHoldfastProto(service, numbers.all)).toMatchFileSnapshot(PROTO);
  });

  it('gives no number to two fields of a message', () => {
    for (const [message, fields] of Object.entries(FIELD_NUMBERS))
      expect([message, new Set(Object.values(fields)).size]).toEqual([message, Object.keys(fields).length]);
  });

  it('is a file that clients can load, with a method for each operation', () => {
    const root = new protobuf.Root().loadSync(pathOf(PROTO), { keepCase: true });
    root.resolveAll();
    const methods = root.lookupService('holdfast.v1.Holdfast').methodsArray;
    const { operations, streams } = holdfastService();
    expect(methods.map(({ name, responseStream = false }) => [name, responseStream])).toEqual([
      ...OPERATION_NAMES.map((name) => [operations[name].method, false]),
      ...STREAM_NAMES.map((name) => [streams[name].method, true]),
    ]);
  });
});
