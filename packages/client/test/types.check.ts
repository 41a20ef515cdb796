/**
 * The guarantees of the types; compiled by `npm run check`, never run. Each `@ts-expect-error` is
 * itself an error if the line below it compiles.
 */
import type {
  DatabaseBarrier,
  Holdfast,
  HoldfastClientError,
  TransactionDetails,
  TransactionSummary,
} from '@holdfast/client';
import type { Barrier } from '../src/barrier/barrier.ts';
import { connect, declareBranch, TransactionFailed } from '@holdfast/client';
import { branch as fastifyBranch } from '@holdfast/client/fastify';
import { branch } from '@holdfast/client/node-http';
import { createServer } from 'node:http';
import Fastify from 'fastify';
import type { RejectionCode, Status } from '@holdfast/protocol';
import { expectTypeOf } from 'vitest';

interface Debit {
  readonly amount: number;
}

export function fieldsOf(error: HoldfastClientError): void {
  expectTypeOf<HoldfastClientError['code']>().toEqualTypeOf<
    | 'transaction_failed'
    | 'transaction_stopped'
    | 'transaction_pending'
    | 'coordinator_unreachable'
    | 'deadline_exceeded'
    | 'request_rejected'
    | 'unexpected_response'
    | 'branch_unknown'
    | 'workflow_mismatch'
  >();
  expectTypeOf(error.gid).toEqualTypeOf<string | undefined>();
  expectTypeOf(error.field).toEqualTypeOf<string | undefined>();
  expectTypeOf(error.status).toEqualTypeOf<Status | undefined>();
  if (error.code === 'request_rejected') expectTypeOf(error.rejection).toEqualTypeOf<RejectionCode>();
}

export async function sdk(): Promise<void> {
  const hf = connect('http://127.0.0.1:36789');
  expectTypeOf(hf).toEqualTypeOf<Holdfast>();
  expectTypeOf(await hf.get('gid')).toEqualTypeOf<TransactionDetails | undefined>();

  const saga = hf
    .saga()
    .step({ action: 'http://a', compensate: null, payload: { amount: 1 } })
    .concurrent();
  expectTypeOf(await saga.submit({ wait: { timeoutMs: 1_000 } })).toEqualTypeOf<TransactionSummary>();
  // @ts-expect-error a step needs an action
  saga.step({ compensate: 'http://a' });
  // @ts-expect-error the compensation is required; null means that there is nothing to undo
  saga.step({ action: 'http://a' });
  // @ts-expect-error unknown options
  saga.step({ action: 'http://a', compensate: null, retryAfterMs: 1 });
  // @ts-expect-error unknown options
  saga.options({ timeoutMs: 1 });
  // A delay belongs to messages.
  expectTypeOf(saga).not.toHaveProperty('delay');
  expectTypeOf(hf.message()).toHaveProperty('delay');
  // @ts-expect-error only the patterns that exist can be listed
  await hf.list({ pattern: 'sagas' });
  // @ts-expect-error times are in milliseconds, and their names end in Ms
  await saga.submit({ wait: { timeout: 1 } });
}

const take = declareBranch<Debit>('http://bank-a/debit');
const giveBack = declareBranch<Debit>('http://bank-a/refund');
const ping = declareBranch('http://bank-a/ping');
const rename = declareBranch<{ readonly name: string }>('http://bank-a/rename');

export function declaredPayloads(): void {
  const saga = connect('http://127.0.0.1:36789').saga();
  saga.step({ action: take, compensate: giveBack, payload: { amount: 1 }, requestTimeoutMs: 1, after: [0] });
  saga.step({ action: take, compensate: 'http://bank-a/refund', payload: { amount: 1 } });
  saga.step({ action: ping, compensate: null });
  // @ts-expect-error not the payload that the branch declares
  saga.step({ action: take, compensate: giveBack, payload: { amount: '1' } });
  // @ts-expect-error the branch declares a payload
  saga.step({ action: take, compensate: giveBack });
  // @ts-expect-error the branch takes none
  saga.step({ action: ping, compensate: null, payload: { amount: 1 } });
  // @ts-expect-error both get the payload, so both must declare the same
  saga.step({ action: take, compensate: rename, payload: { amount: 1 } });
}

export async function tcc(): Promise<void> {
  const hf = connect('http://127.0.0.1:36789');
  const seats = { try: take, confirm: take, cancel: giveBack } as const;
  const order = await hf.tcc(async (tx) => {
    expectTypeOf(await tx.call({ ...seats, payload: { amount: 1 } })).toBeUnknown();
    expectTypeOf(await tx.call({ ...seats, payload: { amount: 1 }, parse: Number })).toBeNumber();
    await tx.call({ try: ping, confirm: null, cancel: null });
    await tx.call({ try: 'http://a', confirm: 'http://b', cancel: 'http://c', payload: [1], requestTimeoutMs: 5 });
    // @ts-expect-error not the payload that the branches declare
    await tx.call({ ...seats, payload: { amount: '1' } });
    // @ts-expect-error the branches declare a payload
    await tx.call(seats);
    // @ts-expect-error the cancel is required; null means that there is nothing to do
    await tx.call({ try: take, confirm: take, payload: { amount: 1 } });
    // @ts-expect-error all three get the payload, so all must declare the same
    await tx.call({ try: take, confirm: rename, cancel: giveBack, payload: { amount: 1 } });
    // @ts-expect-error unknown options
    await tx.call({ try: ping, confirm: null, cancel: null, timeoutMs: 5 });
    return { id: 7 };
  });
  expectTypeOf(order).toEqualTypeOf<{ id: number }>();
  // @ts-expect-error unknown options
  await hf.tcc(() => 0, { timeout: 5 });
  // @ts-expect-error a tcc has no limit of retries
  await hf.tcc(() => 0, { retryLimit: 5 });
}

interface Sql {
  query(text: string): void;
}

export async function messages(barrier: Barrier<Sql>): Promise<void> {
  const hf = connect('http://127.0.0.1:36789');
  const message = hf
    .message()
    .step(take, { amount: 1 })
    .step(take, { amount: 1 }, { requestTimeoutMs: 5 })
    .step(ping)
    .step('http://a', [1])
    .step('topic://paid');
  // @ts-expect-error not the payload that the branch declares
  message.step(take, { amount: '1' });
  // @ts-expect-error the branch declares a payload
  message.step(take);
  // @ts-expect-error the branch takes none
  message.step(ping, { amount: 1 });
  // @ts-expect-error unknown options
  message.step(take, { amount: 1 }, { timeoutMs: 5 });
  // @ts-expect-error unknown options
  message.options({ retryLimit: 5 });
  const receipt = await message.submitWith(barrier, 'http://a/check', (tx) => {
    expectTypeOf(tx).toEqualTypeOf<Sql>();
    return 7;
  });
  expectTypeOf(receipt).toBeNumber();
  await hf.topics.subscribe('paid', take, { remark: 'the bank' });
  // @ts-expect-error unknown options
  await hf.topics.subscribe('paid', take, { comment: 'the bank' });
}

export function errors(error: HoldfastClientError): string {
  if (error instanceof TransactionFailed) {
    expectTypeOf(error.status).toEqualTypeOf<'aborting' | 'failed'>();
  }
  // The set is closed: this switch compiles only while it is complete.
  switch (error.code) {
    case 'transaction_failed':
    case 'transaction_stopped':
    case 'transaction_pending':
    case 'branch_unknown':
      return error.reason;
    case 'workflow_mismatch':
      return error.message;
    case 'coordinator_unreachable':
    case 'deadline_exceeded':
    case 'unexpected_response':
      return error.url;
    case 'request_rejected':
      return error.rejection;
  }
}

export function participants(): void {
  const debit = branch<Debit>((call) => {
    expectTypeOf(call.payload).toEqualTypeOf<Debit>();
    expectTypeOf(call.gid).toBeString();
  });
  createServer((request, response) => void debit(request, response));

  branch((call) => expectTypeOf(call.payload).toBeNumber(), { parse: (body: unknown) => Number(body) });
  // @ts-expect-error without a type or a parser nothing is known of the payload
  branch((call) => call.payload.amount);

  const app = Fastify();
  app.post(
    '/debit',
    fastifyBranch<Debit>((call) => expectTypeOf(call.payload).toEqualTypeOf<Debit>()),
  );
}

export async function workflows(): Promise<void> {
  const hf = connect('http://127.0.0.1:36789', { callbackUrl: 'http://me/' });
  const transfer = hf.workflow('transfer', { version: 1 }, async (flow, input: { amount: number }) => {
    const debit = await flow.step('debit', {
      run: (call) => ({ id: call.branchId }),
      undo: (result) => expectTypeOf(result).toEqualTypeOf<{ id: string } | undefined>(),
    });
    expectTypeOf(debit).toEqualTypeOf<{ id: string }>();
    expectTypeOf(await flow.step('note', () => 7)).toBeNumber();
    expectTypeOf(await flow.call('take', { action: take, compensate: giveBack, payload: input })).toBeUnknown();
    const again = { action: take, compensate: null, payload: input, parse: Number, requestTimeoutMs: 5 };
    expectTypeOf(await flow.call('again', again)).toBeNumber();
    await flow.tcc('seat', { try: take, confirm: take, cancel: giveBack, payload: { amount: 1 } });
    await flow.xa('pay', { url: take, payload: { amount: 1 } });
    // @ts-expect-error not the payload that the branch declares
    await flow.call('wrong', { action: take, compensate: null, payload: { amount: '1' } });
    // @ts-expect-error the undo is required; null means that there is nothing to undo
    await flow.call('wrong', { action: take, payload: { amount: 1 } });
    // @ts-expect-error both get the payload, so both must declare the same
    await flow.call('wrong', { action: take, compensate: rename, payload: { amount: 1 } });
    // @ts-expect-error not the payload that the branch declares
    await flow.xa('wrong', { url: take, payload: {} });
    // @ts-expect-error an unknown option
    await flow.step('wrong', { run: () => 1, compensate: () => 2 });
    const codec = { encode: String, decode: (json: unknown) => BigInt(json as string) };
    expectTypeOf(await flow.step('count', { run: () => 1n, codec })).toEqualTypeOf<bigint>();
    // @ts-expect-error a bigint is not JSON, and the step has no codec
    await flow.step('wrong', { run: () => 1n });
    // @ts-expect-error the same of a function alone
    await flow.step('wrong', () => new Map<string, number>());
    // @ts-expect-error a Date would come back as a text
    await flow.step('wrong', async () => ({ at: [new Date()] }));
    return debit;
  });
  expectTypeOf(await transfer.run({ amount: 1 }, { gid: 'g', wait: true })).toEqualTypeOf<{ id: string }>();
  // @ts-expect-error not its input
  await transfer.run({ amount: '1' });
  // @ts-expect-error a workflow has a version
  hf.workflow('other', {}, () => 1);
  // @ts-expect-error a workflow's own code decides how long it takes
  hf.workflow('other', { version: 1, timeoutToFailMs: 5 }, () => 1);
}

export async function xa(): Promise<void> {
  const hf = connect('http://127.0.0.1:36789');
  const order = await hf.xa(
    async (tx) => {
      expectTypeOf(await tx.call({ url: take, payload: { amount: 1 } })).toBeUnknown();
      expectTypeOf(await tx.call({ url: take, payload: { amount: 1 }, parse: Number })).toBeNumber();
      await tx.call({ url: ping });
      // @ts-expect-error the branch declares a payload
      await tx.call({ url: take });
      // @ts-expect-error an xa has one URL per branch
      await tx.call({ url: ping, rollback: ping });
      return { id: 7 };
    },
    { gid: 'g', wait: true },
  );
  expectTypeOf(order).toEqualTypeOf<{ id: number }>();
  // @ts-expect-error unknown options
  await hf.xa(() => 0, { timeout: 5 });
}

interface Tree {
  readonly name: string;
  readonly note?: string | undefined;
  readonly children: readonly Tree[];
}

export async function barrierResults(barrier: DatabaseBarrier<Sql>, open: Sql, tree: Tree): Promise<void> {
  const call = { gid: 'g', transType: 'saga', branchId: '01', op: 'action' } as const;
  const codec = { encode: String, decode: (json: unknown) => BigInt(json as string) };
  expectTypeOf((await barrier.run(call, (tx) => tx.query('a'))).value).toEqualTypeOf<void | undefined>();
  expectTypeOf((await barrier.run(call, async () => tree)).value).toEqualTypeOf<Tree | undefined>();
  expectTypeOf((await barrier.run(call, () => JSON.parse('1') as unknown)).value).toEqualTypeOf<unknown>();
  expectTypeOf((await barrier.run(call, () => 1n, { codec })).value).toEqualTypeOf<bigint | undefined>();
  expectTypeOf((await barrier.within(open, call, () => 1n, { codec })).value).toEqualTypeOf<bigint | undefined>();
  // @ts-expect-error a bigint is not JSON, and there is no codec
  await barrier.run(call, () => 1n);
  // @ts-expect-error neither is a part of it
  await barrier.run(call, async (tx) => (tx.query('a'), { of: [new Map<string, number>()] }));
  // @ts-expect-error a Date would come back as a text
  await barrier.within(open, call, () => new Date());
  // @ts-expect-error a codec of another type
  await barrier.run(call, () => 'a', { codec });
  // @ts-expect-error methods do not come back
  await barrier.run(call, () => ({ run: () => 1 }));
}
