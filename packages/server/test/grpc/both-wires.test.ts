import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import type protobuf from 'protobufjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Invoke } from '@holdfast/api';
import {
  ERROR_CODES,
  ERROR_RULES,
  HoldfastError,
  OPERATION_NAMES,
  operationOf,
  type OperationName,
  pathFieldsOf,
  STATUSES,
} from '@holdfast/protocol';
import { valuesOf } from '../support/json-arbitraries.ts';
import { comparable, loadTypes, protoOf } from '../support/proto-values.ts';
import { type CallInput, seenInput, TwoWires } from '../support/two-wires.ts';

const PROTO = fileURLToPath(new URL('../../../protocol/proto/holdfast/v1/holdfast.proto', import.meta.url));
const service = loadTypes(readFileSync(PROTO, 'utf8')).lookupService('holdfast.v1.Holdfast');

let wires: TwoWires;
beforeAll(async () => {
  wires = await TwoWires.start();
});
afterAll(() => wires[Symbol.asyncDispose]());

const requestTypeOf = (name: OperationName): protobuf.Type => {
  const method = service.methods[name.charAt(0).toUpperCase() + name.slice(1)];
  method?.resolve();
  const type = method?.resolvedRequestType;
  if (type === undefined || type === null) throw new Error(`the published file has no method for ${name}`);
  return type;
};

/** Any valid input of an operation. */
function inputsOf(name: OperationName): fc.Arbitrary<CallInput> {
  const operation = operationOf(name);
  const { query, body } = operation;
  const pathField = fc.constantFrom('order-1', 'a b', 'ü/漢%?#');
  return fc.record({
    ...Object.fromEntries(pathFieldsOf(operation).map((field) => [field, pathField])),
    ...(query !== undefined && { query: valuesOf(query, 'input') }),
    ...(body !== undefined && { body: valuesOf(body, 'input') }),
  }) as fc.Arbitrary<CallInput>;
}

const overGrpc = (name: OperationName, { query, body, ...path }: CallInput, waitMs = 0) =>
  wires.grpc(name, protoOf(requestTypeOf(name), { ...path, ...query, ...body, ...(waitMs > 0 && { waitMs }) }));

const RUNS = { numRuns: 12 };

describe.each(OPERATION_NAMES)('%s over HTTP and over gRPC', (name) => {
  const { result, waits } = operationOf(name);
  const waitMs = waits === true ? fc.nat(1_000_000) : fc.constant(0);

  it('receives the same input', async () => {
    await fc.assert(
      fc.asyncProperty(inputsOf(name), waitMs, async (input, wait) => {
        const seen: unknown[] = [];
        wires.behave = (called, _context, given: Parameters<Invoke>[1], waited) => {
          seen.push([called, seenInput(called, given), waited]);
          return Promise.reject(new HoldfastError('unavailable', 'the store is away'));
        };
        expect((await wires.http(name, input, wait)).status).toBe(503);
        expect((await overGrpc(name, input, wait)).code).toBe(ERROR_RULES.unavailable.grpcStatus);
        expect(seen).toHaveLength(2);
        expect(seen[1]).toEqual(seen[0]);
      }),
      RUNS,
    );
  });

  it('returns the same result', async () => {
    const [input] = fc.sample(inputsOf(name), 1) as [CallInput];
    const results = result === undefined ? fc.constant(undefined) : valuesOf(result, 'output');
    await fc.assert(
      fc.asyncProperty(results, async (returned) => {
        wires.behave = () => Promise.resolve(returned);
        const { status, text } = await wires.http(name, input);
        const { code, value } = await overGrpc(name, input);
        expect([status, code]).toEqual([result === undefined ? 204 : 200, 0]);
        const json: unknown = text === '' ? {} : JSON.parse(text);
        expect(comparable(value)).toEqual(comparable(json));
      }),
      RUNS,
    );
  });

  it('returns the same error', async () => {
    const [input] = fc.sample(inputsOf(name), 1) as [CallInput];
    const { query, body, ...path } = input;
    const fields = Object.keys({ ...path, ...query, ...body });
    const errors = fc.record({
      code: fc.constantFrom(...ERROR_CODES),
      fault: fc.string({ unit: 'grapheme-composite', minLength: 1, maxLength: 20 }),
      field: fields.length === 0 ? fc.constant(undefined) : fc.option(fc.constantFrom(...fields), { nil: undefined }),
      gid: fc.option(fc.constantFrom('g1', 'ü'), { nil: undefined }),
      status: fc.option(fc.constantFrom(...STATUSES), { nil: undefined }),
      outcome: fc.option(fc.constantFrom('not_started' as const, 'unknown' as const), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(errors, async ({ code, fault, field, gid, status, outcome }) => {
        const details = { gid, status, outcome, field: field === undefined ? undefined : [field] };
        wires.behave = () => Promise.reject(new HoldfastError(code, fault, details as object));
        const problem = JSON.parse((await wires.http(name, input)).text) as Readonly<Record<string, string>>;
        const { code: grpcCode, message, trailers } = await overGrpc(name, input);
        const inProto = (text = '') => text.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
        expect(grpcCode).toBe(ERROR_RULES[code].grpcStatus);
        expect(decoded(trailers)).toEqual(
          comparable({
            'holdfast-code': problem['code'],
            'holdfast-field': problem['field'] === undefined ? undefined : inProto(problem['field']),
            'holdfast-gid': problem['gid'],
            'holdfast-status': problem['transactionStatus'],
            'holdfast-outcome': problem['outcome'],
          }),
        );
        const prefix = problem['field'] === undefined ? '' : `${inProto(problem['field'])}: `;
        expect(message).toBe(prefix + (problem['fault'] ?? problem['detail']));
      }),
      RUNS,
    );
  });
});

/** The trailers of Holdfast, as texts. */
const decoded = (trailers: Readonly<Record<string, string | Buffer>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(trailers)
      .filter(([name]) => name.startsWith('holdfast-'))
      .map(([name, value]) => [name, decodeURIComponent(String(value))]),
  );

describe('the name of a field in an error over gRPC', () => {
  const saga = (step: object) => ({
    body: { pattern: 'saga', steps: [{ action: 'http://a/' }, { action: 'http://a/', ...step }] },
  });

  it.each([
    [['steps', 1, 'requestTimeoutMs'], 'steps[1].request_timeout_ms'],
    [['steps', 1, 'after', 0], 'steps[1].after.items[0]'],
    [['payloads', 1], 'steps[1]'],
    [['branchHeaders', 'x y'], 'branch_headers["x y"]'],
    [['workflow', 'name'], 'workflow.name'],
  ])('%j is %s', async (field, expected) => {
    wires.behave = () => Promise.reject(new HoldfastError('invalid', 'is wrong', { field }));
    const { message, trailers } = await overGrpc('createTransaction', saga({}));
    expect([trailers['holdfast-field'], message]).toEqual([expected, `${expected}: is wrong`]);
  });
});
