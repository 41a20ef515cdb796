import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { decodeMessage, encodeMessage } from '@holdfast/protocol/protobuf';
import { startServer } from '@holdfast/server';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import {
  BranchFailure,
  BranchUnknown,
  connect,
  declareBranch,
  type Holdfast,
  TransactionFailed,
} from '../src/index.ts';
import type { BranchCallContext } from '../src/participants/call.ts';
import { addBranches, branch, checkBack } from '../src/participants/grpc.ts';
import { branch as httpBranch } from '../src/participants/node-http.ts';
import { FakeBarrier } from './participants/fake-barrier.ts';
import { grpcServer } from './participants/grpc-framework.ts';
import { listening } from './participants/listening.ts';

const DEBIT = {
  name: 'Debit',
  fields: { account: { number: 1, type: 'string' }, amount: { number: 2, type: 'int32' } },
} as const;
type Debit = { readonly account: string; readonly amount: number };

const encoded = (debit: Debit): Uint8Array => encodeMessage(DEBIT, debit);
const decoded = (bytes: unknown): Debit => decodeMessage(DEBIT, bytes as Uint8Array);

const method = (name: string) => ({
  path: `/bank.Bank/${name}`,
  requestStream: false as const,
  responseStream: false as const,
  requestSerialize: (debit: Debit) => Buffer.from(encoded(debit)),
  requestDeserialize: decoded,
  responseSerialize: (debit: Debit) => Buffer.from(encoded(debit)),
  responseDeserialize: decoded,
});

const seen: string[] = [];
const barrier = new FakeBarrier();
const open: (() => Promise<void>)[] = [];
let hf: Holdfast;
let bank = '';
let shop = '';

/** Notes the call; the response has the amount that is left. */
const note = ({ op, branchId, payload }: BranchCallContext<Debit>): Debit => {
  seen.push(`${op} ${branchId} ${payload.account} ${payload.amount}`);
  return { account: payload.account, amount: 100 - payload.amount };
};
const refuse = (call: BranchCallContext<Debit>): void => {
  note(call);
  if (call.op === 'action' || call.op === 'try') throw new BranchFailure('the account is closed');
};
const noteJson = ({ op, branchId, payload }: BranchCallContext): unknown => {
  seen.push(`${op} ${branchId} ${JSON.stringify(payload)}`);
  return { left: 7 };
};

beforeAll(async () => {
  const server = await startServer({ store: 'memory:', httpPort: 0, retryInterval: 40, drainTimeout: 0 });
  hf = connect(server.url, { drainMs: 0, waitTimeoutMs: 20_000 });
  const participant = await grpcServer((added) => {
    const names = ['debit', 'refund', 'closed', 'check', 'hang'];
    addBranches(added, Object.fromEntries(names.map((name) => [name, method(name)])), {
      debit: branch(note),
      refund: branch(note),
      closed: branch(refuse),
      check: checkBack(barrier),
      hang: branch(() => new Promise(() => undefined)),
    });
    addBranches(added, 'stock.Stock', { take: branch(noteJson), put: branch(noteJson) });
  });
  const http = await listening(createServer((incoming, response) => void httpBranch(noteJson)(incoming, response)));
  bank = `grpc://${participant.address}/bank.Bank`;
  shop = http.url;
  open.push(
    () => hf.close(),
    () => server.close(),
    participant.close,
    () => http.close(),
  );
});
afterAll(async () => {
  for (const close of open) await close();
});
beforeEach(() => void seen.splice(0));

const ANA = encoded({ account: 'ana', amount: 30 });
const stock = (name: string): string => bank.replace('bank.Bank', `stock.Stock/${name}`);

describe('branches over gRPC', () => {
  it('of a saga receive encoded messages, beside branches over gRPC and HTTP that receive JSON', async () => {
    await hf
      .saga()
      .step({ action: `${bank}/debit`, compensate: `${bank}/refund`, payload: ANA })
      .step({ action: stock('take'), compensate: stock('put'), payload: { bottles: 6 } })
      .step({ action: `${shop}/note`, compensate: null, payload: { to: 'ana' } })
      .submit({ wait: true });
    expect(seen).toEqual(['action 01 ana 30', 'action 02 {"bottles":6}', 'action 03 {"to":"ana"}']);
  });

  it('of a saga are compensated with the same message when another one fails', async () => {
    const submitted = hf
      .saga()
      .step({ action: `${bank}/debit`, compensate: `${bank}/refund`, payload: ANA })
      .step({ action: `${bank}/closed`, compensate: `${bank}/refund`, payload: Buffer.from(ANA) })
      .submit({ wait: true });
    await expect(submitted).rejects.toMatchObject({ name: 'TransactionFailed', reason: 'the account is closed' });
    expect(seen).toEqual(['action 01 ana 30', 'action 02 ana 30', 'compensate 02 ana 30', 'compensate 01 ana 30']);
  });

  it('of a tcc are tried here and confirmed by the coordinator; the try resolves to the bytes of its response', async () => {
    const [left, taken, raw] = await hf.tcc(
      async (tx) => [
        await tx.call({ try: `${bank}/debit`, confirm: `${bank}/debit`, cancel: null, payload: ANA, parse: decoded }),
        await tx.call({ try: stock('take'), confirm: stock('take'), cancel: null, payload: { bottles: 6 } }),
        await tx.call({ try: `${bank}/debit`, confirm: null, cancel: null, payload: ANA }),
      ],
      { wait: true },
    );
    expect([left, taken]).toEqual([{ account: 'ana', amount: 70 }, { left: 7 }]);
    expect(raw).toBeInstanceOf(Uint8Array);
    expect(seen).toEqual([
      'try 01 ana 30',
      'try 02 {"bottles":6}',
      'try 03 ana 30',
      'confirm 02 {"bottles":6}',
      'confirm 01 ana 30',
    ]);
  });

  it('of a tcc are cancelled when a try fails', async () => {
    const failed = hf.tcc(
      async (tx) => {
        await tx.call({ try: `${bank}/debit`, confirm: `${bank}/debit`, cancel: `${bank}/refund`, payload: ANA });
        await tx.call({ try: `${bank}/closed`, confirm: `${bank}/debit`, cancel: `${bank}/refund`, payload: ANA });
      },
      { wait: true },
    );
    const error: unknown = await failed.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TransactionFailed);
    expect(error).toMatchObject({ cause: { name: 'BranchFailure', message: 'the account is closed' } });
    expect(seen.slice(2)).toEqual(['cancel 02 ana 30', 'cancel 01 ana 30']);
  });

  it('of an xa are prepared and committed at the same method', async () => {
    await hf.xa((tx) => tx.call({ url: stock('take'), payload: { bottles: 6 } }), { wait: true });
    expect(seen).toEqual(['action 01 {"bottles":6}', 'commit 01 undefined']);
  });

  it('of a workflow: the result that its parser returns is recorded, and without a parser nothing is', async () => {
    const transfer = hf.workflow('transfer', { version: 1, callbackUrl: `${bank}/callback` }, async (flow) => [
      await flow.call('debit', { action: `${bank}/debit`, compensate: `${bank}/refund`, payload: ANA, parse: decoded }),
      (await flow.call('again', { action: `${bank}/debit`, compensate: null, payload: ANA })) ?? 'nothing',
      await flow.tcc('take', { try: stock('take'), confirm: stock('take'), cancel: null, payload: { bottles: 6 } }),
    ]);
    await expect(transfer.run(undefined)).resolves.toEqual([{ account: 'ana', amount: 70 }, 'nothing', { left: 7 }]);
    expect(seen.at(-1)).toBe('commit take {"bottles":6}');
  });

  it('a workflow whose name metadata cannot carry is rejected where it is defined', () => {
    expect(() => hf.workflow('größe', { version: 1, callbackUrl: `${bank}/callback` }, () => 1)).toThrow(
      /printable ASCII/,
    );
  });

  it('a message is checked back over gRPC, and sends encoded messages', async () => {
    const send = (gid: string, work: () => void) =>
      hf
        .message(gid)
        .step(declareBranch<Uint8Array>(`${bank}/debit`), ANA)
        .options({ timeoutToFailMs: 60, retryIntervalMs: 40 })
        .submitWith(barrier, `${bank}/check`, work);
    await send('sent', () => undefined);
    await expect(hf.wait('sent')).resolves.toMatchObject({ status: 'succeed' });
    expect(seen).toEqual(['action 01 ana 30']);
    await hf.message('lost').step(`${bank}/debit`, ANA).options({ timeoutToFailMs: 60 }).prepare(`${bank}/check`);
    await expect(hf.finished('lost')).resolves.toMatchObject({ status: 'failed' });
    await barrier.message('found', () => undefined);
    await hf.message('found').step(`${bank}/debit`, ANA).options({ timeoutToFailMs: 60 }).prepare(`${bank}/check`);
    await expect(hf.finished('found')).resolves.toMatchObject({ status: 'succeed' });
  });
});

describe('a call of a gRPC branch by its initiator', () => {
  const tried = (url: string, options: { readonly requestTimeoutMs?: number; readonly signal?: AbortSignal } = {}) =>
    hf
      .tcc((tx) => tx.call({ try: url, confirm: null, cancel: null, payload: ANA }), options)
      .then(
        () => undefined,
        (thrown: unknown) => (thrown as Error).cause ?? thrown,
      );

  it('is UNKNOWN without a response in time, without a server, and for a method that does not exist', async () => {
    const late = await tried(`${bank}/hang`, { requestTimeoutMs: 50 });
    const away = await tried('grpc://127.0.0.1:1/bank.Bank/debit');
    const missing = await tried(`${bank}/nothing`);
    expect([late, away, missing].map((error) => error instanceof BranchUnknown)).toEqual([true, true, true]);
    expect([late, away, missing].map((error) => (error as BranchUnknown).reason)).toEqual([
      `${bank}/hang: no response within 50 ms`,
      expect.stringContaining('gRPC code 14'),
      expect.stringContaining('gRPC code 12'),
    ]);
    // A call that timed out does not take the connection from others.
    expect(await tried(`${bank}/debit`)).toBeUndefined();
  });

  it.each([
    ['text/html', '10', BranchUnknown],
    ['text/html', '9', BranchUnknown],
    ['application/grpc-web', '10', BranchUnknown],
    ['application/grpc', '10', BranchFailure],
    ['application/grpc+json', '10', BranchFailure],
  ] as const)('has for a response of the type %s with grpc-status %s the error %o', async (type, status, expected) => {
    const proxy = http2Server().on('stream', (stream) =>
      stream.respond({ ':status': 200, 'content-type': type, 'grpc-status': status }, { endStream: true }),
    );
    onTestFinished(() => void proxy.close());
    await once(proxy.listen(0, '127.0.0.1'), 'listening');
    const { port } = proxy.address() as AddressInfo;
    const error = await tried(`grpc://127.0.0.1:${port}/a.B/c`);
    expect(error).toBeInstanceOf(expected);
    if (error instanceof BranchUnknown)
      expect(error.reason).toContain(`grpc-status ${status}, but the content-type is "${type}"`);
  });

  it('ends with the reason of an aborted signal', async () => {
    const abort = new AbortController();
    const error = tried(`${bank}/hang`, { signal: abort.signal, requestTimeoutMs: 10_000 });
    setTimeout(() => abort.abort(new Error('the customer left')), 50);
    expect(await error).toMatchObject({ message: 'the customer left' });
  });

  it('reaches the servers of a list in turn, and passes over one that cannot be connected to', async () => {
    const list = `direct://127.0.0.1:1,${bank.slice('grpc://'.length)}/debit`;
    const results = [];
    for (let i = 0; i < 6; i++) results.push(await tried(list));
    expect(results.filter((error) => error === undefined).length).toBeGreaterThanOrEqual(4);
    expect(results.slice(3)).toEqual([undefined, undefined, undefined]);
  });

  it('receives branch headers as metadata, which do not replace what identifies the call', async () => {
    const metadata: unknown[] = [];
    const { address, close } = await grpcServer((server) =>
      addBranches(server, 'a.B', { c: branch(({ gid, query }) => void metadata.push([gid, query.get('tenant')])) }),
    );
    onTestFinished(close);
    const branchHeaders = { 'dtm-gid': 'other', 'dtm-tenant': ' acme ', connection: 'close', 'grpc-timeout': '1n' };
    const gid = await hf.tcc(
      async (tx) => {
        await tx.call({ try: `${address}/a.B/c`, confirm: null, cancel: null });
        return tx.gid;
      },
      { branchHeaders },
    );
    expect(metadata).toEqual([[gid, 'acme']]);
  });
});
