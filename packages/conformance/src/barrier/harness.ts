import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { BranchFailure, type Pattern } from '@holdfast/protocol';
import type { TestApi } from '../store/harness.ts';

/** A call of the coordinator, as the barrier receives it. */
export interface BarrierCall {
  readonly gid: string;
  readonly transType: Pattern;
  readonly branchId: string;
  readonly op: string;
  /** Number of this use of the barrier within the request; by default the barrier counts. */
  readonly use?: number;
}

/** The outcome of a call. */
export type BarrierResult<T> =
  | { readonly ran: true; readonly value: T }
  | {
      readonly ran: false;
      readonly why: 'repeated' | 'empty';
      readonly value?: T;
      readonly unavailable?: Error & { readonly code: string };
    };

/** How a result is kept that is not JSON. */
export interface TestCodec<T> {
  readonly encode: (result: T) => unknown;
  readonly decode: (json: unknown) => T;
}

/** The outcome of a call that was repeated until it had one. */
type LastResult = BarrierResult<number> | { readonly ran: false; readonly why: 'undone' };

/** The methods of a barrier that the suite uses; every `Barrier` of `@holdfast/client` has them. */
export interface BarrierUnderTest<Tx> {
  run<T>(
    call: BarrierCall,
    work: (tx: Tx) => T | Promise<T>,
    options?: { readonly codec: TestCodec<T> },
  ): Promise<BarrierResult<T>>;
  message<T>(gid: string, work: (tx: Tx) => T | Promise<T>): Promise<T>;
  checkBack(gid: string): Promise<'committed' | 'refused'>;
}

/** A database with a barrier and a number that starts at 0, which is a new one for each test. */
export interface BarrierPlace<Tx> {
  readonly barrier: BarrierUnderTest<Tx>;
  /** Adds to the number, within the transaction. */
  add(tx: Tx, amount: number): unknown;
  /** Reads the committed number. */
  read(): Promise<number>;
  remove(): Promise<void>;
}

export interface BarrierSuiteOptions<Tx> {
  readonly name: string;
  readonly test: TestApi;
  readonly createPlace: () => Promise<BarrierPlace<Tx>>;
}

/** The objects that a test uses. */
export interface BarrierFixture<Tx> {
  readonly barrier: BarrierUnderTest<Tx>;
  readonly add: (tx: Tx, amount: number) => unknown;
  readonly read: () => Promise<number>;
  /** Used by this test alone. */
  readonly gid: string;
  /** Creates a call as the coordinator makes it; each belongs to another request. */
  readonly call: (op: string, branchId?: string, gid?: string) => BarrierCall;
  /** Runs one request that adds an amount. */
  readonly runAdd: (op: string, amount: number, branchId?: string) => Promise<BarrierResult<number>>;
  /** Like `runAdd`, repeated while it throws, as the coordinator repeats a call that failed. */
  readonly untilResponse: (op: string, amount: number, branchId?: string) => Promise<LastResult>;
}

export type BarrierCase = <Tx>(fixture: BarrierFixture<Tx>) => Promise<void>;

export interface BarrierCases {
  readonly describe: TestApi['describe'];
  readonly it: (name: string, body: BarrierCase) => void;
}

/** A barrier that throws this often merely because of concurrent calls is unusable. */
const MOST_TRIES = 100;
const TIMEOUT_MS = 60_000;

/** Gives each test a separate place. */
export function barrierCasesFor<Tx>({ test, createPlace }: BarrierSuiteOptions<Tx>): BarrierCases {
  return {
    describe: test.describe,
    it: (name, body) =>
      test.it(
        name,
        async () => {
          const place = await createPlace();
          try {
            await body(fixtureOf(place));
          } finally {
            await place.remove();
          }
        },
        TIMEOUT_MS,
      ),
  };
}

function fixtureOf<Tx>(place: BarrierPlace<Tx>): BarrierFixture<Tx> {
  const { barrier } = place;
  const gid = `suite-${randomUUID()}`;
  const call = (op: string, branchId = '01', ofGid = gid): BarrierCall => ({
    gid: ofGid,
    transType: patternOf(op),
    branchId,
    op,
  });
  const runAdd = (op: string, amount: number, branchId?: string): Promise<BarrierResult<number>> =>
    barrier.run(call(op, branchId), async (tx) => {
      await place.add(tx, amount);
      return amount;
    });
  const untilResponse = async (op: string, amount: number, branchId?: string): Promise<LastResult> => {
    for (let tries = 1; ; tries++) {
      try {
        return await runAdd(op, amount, branchId);
      } catch (error) {
        // The call arrived after its undo.
        if (error instanceof BranchFailure) return { ran: false, why: 'undone' };
        if (tries === MOST_TRIES) throw error;
      }
    }
  };
  return {
    barrier,
    add: (tx, amount) => place.add(tx, amount),
    read: () => place.read(),
    gid,
    call,
    runAdd,
    untilResponse,
  };
}

const PATTERN_OF: Readonly<Record<string, Pattern>> = {
  try: 'tcc',
  confirm: 'tcc',
  cancel: 'tcc',
  rollback: 'workflow',
};
const patternOf = (op: string): Pattern => PATTERN_OF[op] ?? 'saga';

/** Asserts that nothing was committed because the message was abandoned or sent before. */
export async function assertRefused(sent: Promise<unknown>): Promise<void> {
  const error: unknown = await sent.then(
    () => assert.fail('the local transaction was committed'),
    (thrown: unknown) => thrown,
  );
  assert.equal(error instanceof Error && 'code' in error ? error.code : String(error), 'local_transaction_refused');
}

/** Lets pending work proceed as far as possible without waiting for other work. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
