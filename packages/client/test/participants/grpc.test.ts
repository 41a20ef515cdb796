import { Metadata, type ServiceDefinition, status } from '@grpc/grpc-js';
import { BranchFailure, resultOfGrpc } from '@holdfast/protocol';
import { decodeMessage, encodeMessage } from '@holdfast/protocol/protobuf';
import { describe, expect, it, onTestFinished } from 'vitest';
import { currentBranch } from '../../src/participants/branch-context.ts';
import type { BranchCallContext } from '../../src/participants/call.ts';
import { addBranches, addWorkflowCallback, branch, branchMetadata, checkBack } from '../../src/participants/grpc.ts';
import { barrierCases } from './barrier-cases.ts';
import { callCases } from './call-cases.ts';
import { FakeBarrier } from './fake-barrier.ts';
import { grpcCall, grpcFramework, grpcServer, metadataOf } from './grpc-framework.ts';
import { CALL, participantOf } from './harness.ts';
import { opCases } from './op-cases.ts';
import { responseCases } from './response-cases.ts';

describe('a participant on gRPC', () => {
  const participant = participantOf(grpcFramework);
  callCases(participant);
  opCases(participant);
  responseCases(participant);
  barrierCases(participant);
});

const DEBIT = {
  name: 'Debit',
  fields: { account: { number: 1, type: 'string' }, amount: { number: 2, type: 'int32' } },
} as const;
interface Debit {
  readonly account: string;
  readonly amount: number;
}

/** A definition as generated code has it: only instances of the class can be encoded. */
class Receipt {
  readonly account: string;
  constructor(account: string) {
    this.account = account;
  }
}
const encodeReceipt = (receipt: unknown): Buffer => {
  if (!(receipt instanceof Receipt)) throw new TypeError('expected a Receipt');
  return Buffer.from(encodeMessage(DEBIT, { account: receipt.account }));
};
const method = (name: string, streams = false) => ({
  path: `/bank.Bank/${name}`,
  originalName: name,
  requestStream: false,
  responseStream: streams,
  requestSerialize: (debit: Debit) => Buffer.from(encodeMessage(DEBIT, debit)),
  requestDeserialize: (bytes: Buffer) => decodeMessage(DEBIT, bytes),
  responseSerialize: encodeReceipt,
  responseDeserialize: (bytes: Buffer) => bytes,
});
const BANK: ServiceDefinition = { Debit: method('debit'), Watch: method('watch', true), Balance: method('balance') };

const message = (debit: Debit): Buffer => Buffer.from(encodeMessage(DEBIT, debit));
const ANA = message({ account: 'ana', amount: 30 });

/** Serves the methods of `BANK` until the test ends. */
async function bank(methods: Parameters<typeof addBranches>[2]) {
  const { address, close } = await grpcServer((server) => addBranches(server, BANK, methods));
  onTestFinished(close);
  return (query: string | Metadata = CALL, bytes = ANA, name = 'debit') =>
    grpcCall(`${address}/bank.Bank/${name}`, typeof query === 'string' ? metadataOf(query) : query, bytes);
}

describe('a branch of a service with a definition', () => {
  it('receives the decoded message as its payload, and responds with the message that the handler returned', async () => {
    const seen: unknown[] = [];
    const debit = branch<Debit>((call) => {
      seen.push(call.payload, currentBranch() === call);
      return new Receipt(call.payload.account);
    });
    const end = await (await bank({ debit }))();
    expect([end.code, decodeMessage(DEBIT, end.message).account, end.isJson]).toEqual([status.OK, 'ana', false]);
    expect(seen).toEqual([{ account: 'ana', amount: 30 }, true]);
  });

  it('responds with an empty message when the handler returns nothing', async () => {
    expect(await (await bank({ debit: branch(() => undefined) }))()).toMatchObject({
      code: 0,
      message: Buffer.alloc(0),
    });
  });

  it('has succeeded when the returned value cannot be encoded: the message is empty, and the hook is notified', async () => {
    const notes: unknown[] = [];
    const onError = (error: unknown, call?: BranchCallContext) => void notes.push([String(error), call?.gid]);
    const plain = await (await bank({ debit: branch(() => ({ account: 'ana' }), { onError }) }))();
    const guarded = await (await bank({ debit: branch(new FakeBarrier(), () => ({ account: 'ana' }), { onError }) }))();
    expect([plain.code, plain.message.length, guarded.code, guarded.message.length]).toEqual([0, 0, 0, 0]);
    expect(notes).toEqual(Array.from({ length: 2 }, () => ['TypeError: expected a Receipt', 'g-1']));
  });

  it('ends with INVALID_ARGUMENT for a message that cannot be decoded, or does not match the parser', async () => {
    const calls: unknown[] = [];
    const note = (call: BranchCallContext) => void calls.push(call);
    const options = { onError: () => undefined };
    const torn = await (await bank({ debit: branch(note, options) }))(CALL, Buffer.from([0x0a, 0x7f]));
    const parse = () => {
      throw new Error('amount is missing');
    };
    const wrong = await (await bank({ debit: branch(note, { ...options, parse }) }))();
    expect([torn.code, wrong.code, calls]).toEqual([status.INVALID_ARGUMENT, status.INVALID_ARGUMENT, []]);
    expect(torn.details).toMatch(/^the message cannot be read: /);
    expect(wrong.details).toContain('amount is missing');
  });

  it('behind a barrier, works once, and a repeated call receives the same bytes', async () => {
    const barrier = new FakeBarrier();
    const debit = branch<Debit, string[]>(barrier, ({ payload }, tx) => {
      tx.push(`take ${payload.amount}`);
      return new Receipt(`${payload.account} ${barrier.committed.length}`);
    });
    const call = await bank({ debit });
    const ends = [await call(), await call()];
    expect(ends.map((end) => [end.code, decodeMessage(DEBIT, end.message).account])).toEqual([
      [0, 'ana 0'],
      [0, 'ana 0'],
    ]);
    expect(barrier.committed).toEqual(['take 30']);
  });

  it('leaves methods with the library’s handlers to calls that are not a coordinator’s', async () => {
    const seen: unknown[] = [];
    const call = await bank({
      debit: branch(() => undefined),
      balance: (request: { readonly request: Debit }, callback: (error: null, value: unknown) => void) => {
        seen.push(request.request, currentBranch());
        callback(null, new Receipt('30'));
      },
    });
    expect(await call(new Metadata(), ANA, 'balance')).toMatchObject({ code: status.OK });
    expect(seen).toEqual([{ account: 'ana', amount: 30 }, undefined]);
  });

  it('is rejected when it is added, unless it is a unary method of the service', async () => {
    const any = branch(() => undefined);
    const add = (service: Parameters<typeof addBranches>[1], name: string) => () =>
      addBranches({ addService: () => undefined }, service, { [name]: any });
    expect(add(BANK, 'refund')).toThrow(/no method refund; it has Debit, Watch, Balance/);
    expect(add(BANK, 'watch')).toThrow(/Watch has a stream/);
    expect(add('bank/Bank', 'debit')).toThrow(/bank\/Bank/);
    expect(add('bank.Bank', 'de bit')).toThrow(/de bit/);
    expect(add(undefined as never, 'debit')).toThrow(/the definition of a service, or its name .* not undefined/);
    expect(add(Receipt as never, 'debit')).toThrow(/a class: pass its static property "service"/);
    expect(() => branch(new FakeBarrier(), {} as never)).toThrow(TypeError);
  });
});

describe('the end of a branch over gRPC', () => {
  const endOf = async (thrown: Error) => {
    const refuse = () => Promise.reject(thrown);
    const { code, details } = await (await bank({ debit: branch(refuse, { onError: () => undefined }) }))();
    return { code, details, result: resultOfGrpc(code, details).kind };
  };

  it('is UNKNOWN for an error with a code of gRPC, as a client of another service throws it', async () => {
    for (const code of [status.ABORTED, status.FAILED_PRECONDITION, status.OK]) {
      const error = Object.assign(new Error('10 ABORTED: serialization failure'), { code, details: 'ABORTED' });
      expect(await endOf(error)).toMatchObject({ code: status.UNKNOWN, result: 'UNKNOWN' });
    }
  });

  it('is FAILURE for a BranchFailure, whatever its reason', async () => {
    for (const reason of ['ONGOING', '', '\ud800 half', '🍷'.repeat(2_000), ' spaces ', 'größer\r\n100 %']) {
      const { code, result } = await endOf(new BranchFailure(reason));
      expect([code, result]).toEqual([status.ABORTED, 'FAILURE']);
    }
    expect((await endOf(new BranchFailure('größer\r\n100 %'))).details).toBe('größer\r\n100 %');
  });

  it('has neither a stack nor the secrets of a URL', async () => {
    const { details } = await endOf(new Error('no connection to postgres://shop:s3cret@db/shop'));
    expect(details).toContain('no connection to postgres://');
    expect(details).not.toMatch(/s3cret|grpc\.test/);
  });
});

describe('the metadata of a branch over gRPC', () => {
  const refused = async (change: (metadata: Metadata) => void) => {
    const calls: unknown[] = [];
    const call = await bank({ debit: branch((seen) => void calls.push(seen), { onError: () => undefined }) });
    const metadata = metadataOf(CALL);
    change(metadata);
    const { code, details } = await call(metadata);
    // The server serves the next call.
    expect([calls.length, (await call()).code]).toEqual([0, status.OK]);
    return [code, details];
  };

  it('must be there: a call of another client ends with INVALID_ARGUMENT, and the details state why', async () => {
    expect(await refused((metadata) => metadata.remove('dtm-gid'))).toEqual([
      status.INVALID_ARGUMENT,
      'metadata dtm-gid is missing: this method is for a coordinator',
    ]);
  });

  it.each([
    [
      'bytes',
      (metadata: Metadata) => (metadata.remove('dtm-gid'), metadata.set('dtm-gid-bin', Buffer.from('g-1'))),
      'missing',
    ],
    ['a second pattern', (metadata: Metadata) => metadata.add('dtm-trans_type', 'tcc'), 'several values'],
    ['a second branch', (metadata: Metadata) => metadata.add('dtm-branch_id', '02'), 'several values'],
    ['a gid of 129 characters', (metadata: Metadata) => metadata.set('dtm-gid', 'g'.repeat(129)), 'exceeds 128'],
    ['an op of 7 KB', (metadata: Metadata) => metadata.set('dtm-op', 'o'.repeat(7_000)), 'exceeds 128'],
    ['an unknown pattern', (metadata: Metadata) => metadata.set('dtm-trans_type', 'sagas'), 'none of'],
  ])('is rejected with %s', async (_what, change, why) => {
    expect(await refused(change)).toEqual([status.INVALID_ARGUMENT, expect.stringContaining(why)]);
  });

  it('is passed on with calls that the handler makes itself', async () => {
    const forwarded: unknown[] = [];
    const call = await bank({ debit: branch(() => void forwarded.push(branchMetadata().getMap())) });
    await call(`${CALL.replace('saga', 'tcc').replace('action', 'try')}&holdfast_run=r1`);
    expect(forwarded).toEqual([
      { 'dtm-gid': 'g-1', 'dtm-trans_type': 'tcc', 'dtm-branch_id': '01', 'dtm-op': 'try', 'dtm-holdfast_run': 'r1' },
    ]);
    expect(() => branchMetadata()).toThrow(TypeError);
  });
});

describe('the callback of workflows over gRPC', () => {
  const callback = async (bytes: Buffer, run: (call: BranchCallContext) => Promise<void>) => {
    const { address, close } = await grpcServer((server) => addWorkflowCallback(server, { runCallback: run }));
    onTestFinished(close);
    const metadata = metadataOf('gid=g-1&trans_type=workflow&branch_id=00&op=transfer money');
    return grpcCall(`${address}/workflow.Workflow/Execute`, metadata, bytes);
  };
  const DATA = { name: 'WorkflowData', fields: { Data: { number: 1, type: 'bytes' } } } as const;
  const data = (text: string): Buffer => Buffer.from(encodeMessage(DATA, { Data: Buffer.from(text) }));

  it('passes the input to the workflow, and reports its outcome by the code', async () => {
    const seen: unknown[] = [];
    const note = async ({ gid, op, payload }: BranchCallContext) => void seen.push([gid, op, payload]);
    expect(await callback(data('{"amount":30}'), note)).toMatchObject({ code: status.OK });
    expect(await callback(data(''), note)).toMatchObject({ code: status.OK });
    expect(seen).toEqual([
      ['g-1', 'transfer money', { amount: 30 }],
      ['g-1', 'transfer money', undefined],
    ]);
    const torn = await callback(data('{"amount":'), note);
    expect([torn.code, seen.length]).toEqual([status.INVALID_ARGUMENT, 2]);
  });
});

it('checkBack of a barrier rejects the call of a step', async () => {
  const call = await bank({ debit: checkBack(new FakeBarrier(), { onError: () => undefined }) });
  expect(await call()).toMatchObject({
    code: status.INVALID_ARGUMENT,
    details: expect.stringContaining('checks messages back') as string,
  });
});
