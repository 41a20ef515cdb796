import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { holdfastService, type OperationCall } from '@holdfast/protocol/grpc';
import { ProtobufError } from '@holdfast/protocol/protobuf';

const { operations } = holdfastService();
const parsed = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString());
const received = (name: keyof typeof operations, call: OperationCall, waitMs = 0) =>
  operations[name].decodeInput(operations[name].encodeInput(call, waitMs), parsed);

describe('an input that a client encodes', () => {
  it.each([
    ['createTransaction', { body: { pattern: 'saga', steps: [{ action: 'http://a/', payload: null, after: [] }] } }],
    ['createTransaction', { body: { pattern: 'msg', steps: [], branchHeaders: { __proto__x: 'ü' }, delayMs: 5 } }],
    ['createTransaction', { body: { pattern: 'workflow', steps: [], workflow: { name: 'w', input: { a: [1.5] } } } }],
    ['listTransactions', { query: { status: 'failed', attention: false, limit: 0 } }],
    ['submitTransaction', { gid: 'g', body: { branches: [] } }],
    ['submitTransaction', { gid: 'g', body: { branches: ['01', '02'], run: 'r' } }],
    [
      'registerBranch',
      { gid: 'g', body: { pattern: 'workflow', branchId: '1', op: 'start', status: 'succeed', data: 'AP8=' } },
    ],
    ['unsubscribe', { topic: 't', query: { url: '' } }],
  ] as const)('has each of its fields: %s %j', (name, call) => {
    expect(received(name, call)).toEqual({ input: call, waitMs: 0 });
  });

  it('distinguishes an absent list, and has the time to wait', () => {
    expect(received('submitTransaction', { gid: 'g' }, 5)).toEqual({ input: { gid: 'g', body: {} }, waitMs: 5 });
  });

  it.each([
    [{ body: { pattern: 'saga', retryLimt: 3 } }, 'retryLimt', 'is not known; did you mean retryLimit?'],
    [{ body: { pattern: 'saga', steps: {} } }, 'steps', 'must be an array, not an object'],
    [{ body: { pattern: 'saga', steps: [{ action: 5 }] } }, 'steps.0.action', 'must be a string, not 5'],
    [{ body: { pattern: 'saga', delayMs: 1.5 } }, 'delayMs', 'must be a whole number, not 1.5'],
    [{ body: { pattern: 'saga', concurrent: 'yes' } }, 'concurrent', 'must be a boolean, not a string'],
    [{ body: { pattern: 'saga', gid: null } }, 'gid', 'must be a string, not null'],
    [{ body: { pattern: 'saga', branchHeaders: { a: 1 } } }, 'branchHeaders.a', 'must be a string, not 1'],
    [
      { body: { pattern: 'saga', steps: [{ action: 'a', payload: () => 1 }] } },
      'steps.0.payload',
      'must be a JSON value',
    ],
  ])('is rejected rather than left out in part: %j', (call, field, fault) => {
    expect(() => operations.createTransaction.encodeInput(call)).toThrow(
      expect.objectContaining({
        code: 'invalid',
        field: field.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part)),
        message: expect.stringContaining(fault) as string,
      }),
    );
    expect(() => operations.createTransaction.encodeInput({ body: 'saga' })).toThrow('must be an object, not a string');
  });
});

describe('a request that a coordinator decodes', () => {
  it('needs the fields of its path, and has no fields of later versions', () => {
    const { getTransaction } = operations;
    expect(() => getTransaction.decodeInput(Buffer.alloc(0), parsed)).toThrow('is missing; it must be a string');
    expect(() => getTransaction.decodeInput(Buffer.from('0a0167f03f01', 'hex'), parsed)).toThrow(ProtobufError);
  });
});

describe('a result', () => {
  const summary = {
    ...{ namespace: 'default', gid: 'g', pattern: 'saga', status: 'succeed', rollbackReason: '', attention: false },
    ...{ parked: '', stopped: '', createdAtMs: 1_700_000_000_001, updatedAtMs: 0, owner: null },
    ...{ finishedAtMs: 0, dueAtMs: null },
  };

  it('has null and absent fields where the coordinator has them', () => {
    const { createTransaction } = operations;
    const reply = { ...summary, lastResult: null };
    expect(createTransaction.decodeResult(createTransaction.encodeResult(reply))).toEqual(reply);
    const waiting = { ...summary, lastResult: { kind: 'ONGOING', reason: '' }, heartbeatMs: 5 };
    expect(createTransaction.decodeResult(createTransaction.encodeResult(waiting))).toEqual(waiting);
  });

  it('is the same in pieces, and skips fields of later versions', () => {
    const { listTransactions } = operations;
    fc.assert(
      fc.property(fc.nat(5), fc.option(fc.string()), (length, next) => {
        const page = { items: Array.from({ length }, (_, index) => ({ ...summary, gid: `g${index}` })), next };
        const pieces = Buffer.concat([...listTransactions.encodeResultInPieces(page)]);
        expect(listTransactions.decodeResult(pieces)).toEqual(page);
        expect(listTransactions.decodeResult(Buffer.concat([pieces, Buffer.from('f03f01', 'hex')]))).toEqual(page);
        expect(listTransactions.decodeResult(listTransactions.encodeResult(page))).toEqual(page);
      }),
    );
  });
});
