import {
  ANONYMOUS,
  DEFAULT_NAMESPACE,
  HoldfastError,
  OPERATION_NAMES,
  operationOf as definitionOf,
  type OperationName,
  STREAM_NAMES,
} from '@holdfast/protocol';
import { holdfastService } from '@holdfast/protocol/grpc';
import type { Coordinator } from '@holdfast/core';
import { ApiV1, type CallHooks, DTM_OPERATIONS, type DtmOperationName, DtmService } from '@holdfast/api';
import { describe, expect, it } from 'vitest';
import { dtmMethods } from '../../src/grpc/dtm-methods.ts';
import { GrpcError } from '../../src/grpc/grpc-error.ts';
import { v1Methods } from '../../src/grpc/v1/v1-methods.ts';
import { v1Streams } from '../../src/grpc/v1/v1-streams.ts';

const CONTEXT = { principal: ANONYMOUS, namespace: DEFAULT_NAMESPACE };
/** A field whose bytes are cut off. */
const CUT_OFF = Buffer.from('0a05', 'hex');

/** The gRPC methods with the calls that each hook has seen. */
function methods(allows: boolean) {
  const seen: string[] = [];
  const coordinator = new Proxy({} as Coordinator, {
    get: () => () => {
      throw new HoldfastError('unavailable', 'the store is away');
    },
  });
  const hooks: CallHooks = {
    allows: () => allows,
    observe: (name) => (result) => void seen.push(`observed ${name} ${result}`),
    audit: ({ operation, result }) => void seen.push(`audited ${operation} ${result}`),
  };
  const service = new DtmService({ coordinator, version: '0.0.0', defaultResetAfterMs: 1 }, hooks);
  const store = { name: 'fake', durable: false, exclusive: false };
  const api = new ApiV1({ coordinator, description: { version: '', node: '', store, uptimeMs: () => 0 } }, hooks);
  return { seen, all: dtmMethods(service), v1: v1Methods(api, () => {}), streams: v1Streams(api, () => {}) };
}

const operationOf = (path: string): DtmOperationName => {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return `${name.charAt(0).toLowerCase()}${name.slice(1)}` as DtmOperationName;
};

const expected = (name: DtmOperationName, result: string): readonly string[] => [
  ...(DTM_OPERATIONS[name].audited ? [`audited dtm.${name} ${result}`] : []),
  `observed dtm.${name} ${result}`,
];

describe.each(methods(true).all.map(({ path }) => path))('%s', (path) => {
  const name = operationOf(path);
  const call = async (allows: boolean, request: Buffer) => {
    const { seen, all } = methods(allows);
    const method = all.find((one) => one.path === path);
    const code = await method?.call(CONTEXT, request).then(
      () => 'none',
      (error: unknown) => (error instanceof HoldfastError ? error.code : String(error)),
    );
    return { code, seen: seen.toSorted() };
  };

  it('with a request that cannot be read is seen by each hook once', async () => {
    expect(await call(true, name === 'newGid' ? CUT_OFF.subarray(0, 1) : CUT_OFF)).toEqual({
      code: 'invalid',
      seen: expected(name, 'invalid'),
    });
  });

  it('that is not allowed is forbidden first', async () => {
    expect(await call(false, CUT_OFF)).toEqual({ code: 'forbidden', seen: expected(name, 'forbidden') });
  });
});

describe.each(OPERATION_NAMES)('holdfast.v1 %s', (name: OperationName) => {
  const { audited } = definitionOf(name);
  const { method } = holdfastService().operations[name];
  const seenBy = (result: string) => [...(audited ? [`audited ${name} ${result}`] : []), `observed ${name} ${result}`];
  const call = async (allows: boolean, request: Buffer) => {
    const { seen, v1 } = methods(allows);
    const found = v1.find(({ path }) => path === `/holdfast.v1.Holdfast/${method}`);
    const code = await found?.call(CONTEXT, request).then(
      () => 'none',
      (error: unknown) => (error instanceof GrpcError ? error.details['holdfast-code'] : String(error)),
    );
    return { code, seen: seen.toSorted() };
  };

  it('with a request that cannot be read is seen by each hook once', async () => {
    expect(await call(true, CUT_OFF.subarray(0, 1))).toEqual({ code: 'invalid', seen: seenBy('invalid') });
  });

  it('with a field that it does not have is rejected, and seen by each hook once', async () => {
    expect(await call(true, Buffer.from('f03f01', 'hex'))).toEqual({ code: 'invalid', seen: seenBy('invalid') });
  });

  it('that is not allowed is forbidden first', async () => {
    expect(await call(false, CUT_OFF.subarray(0, 1))).toEqual({ code: 'forbidden', seen: seenBy('forbidden') });
  });
});

describe.each(STREAM_NAMES)('the stream %s of holdfast.v1', (name) => {
  const { method } = holdfastService().streams[name];
  const call = async (allows: boolean, request: Buffer | GrpcError) => {
    const { seen, streams } = methods(allows);
    const found = streams.find(({ path }) => path === `/holdfast.v1.Holdfast/${method}`);
    const running =
      request instanceof GrpcError
        ? found?.reject(CONTEXT, request)
        : found?.run(CONTEXT, request, () => {
            throw new Error('it sends nothing');
          });
    const code = await running?.then(
      () => 'none',
      (error: unknown) => (error instanceof GrpcError ? error.details['holdfast-code'] : String(error)),
    );
    return { code, seen };
  };
  const one = holdfastService().streams[name].encodeInput({ body: { transactions: [{ gid: 'g' }] } });

  it('is seen by each hook once, with the result of its end', async () => {
    expect(await call(true, one)).toEqual({ code: 'unavailable', seen: [`observed ${name} unavailable`] });
  });

  it.each([
    ['that cannot be read', CUT_OFF.subarray(0, 1)],
    ['with a field that it does not have', Buffer.from('f03f01', 'hex')],
    ['that the transport rejects', new GrpcError(3, 'too long', { 'holdfast-code': 'invalid' })],
  ])('with a request %s is seen by each hook once', async (_, request) => {
    expect(await call(true, request)).toEqual({ code: 'invalid', seen: [`observed ${name} invalid`] });
  });

  it('that is not allowed is forbidden first', async () => {
    for (const request of [one, CUT_OFF.subarray(0, 1)])
      expect(await call(false, request)).toEqual({ code: 'forbidden', seen: [`observed ${name} forbidden`] });
  });
});
