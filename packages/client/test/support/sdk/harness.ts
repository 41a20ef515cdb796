import type { BranchDeclaration } from '../../../src/branch-declaration.ts';
import type { Holdfast } from '../../../src/holdfast.ts';
import type { BranchCallContext } from '../../../src/participants/call.ts';
import type { WorkflowOptions } from '../../../src/workflow/options.ts';

/**
 * What a suite of the SDK's behaviour runs against: a real coordinator and real participants. There
 * are two, `connect()` to a server with participants over HTTP, and `embed()` with functions of the
 * process; whatever the SDK promises holds for both. A suite is a function of the harness:
 *
 *     export function sagaSuite(harness: SdkHarness): void {
 *       describe('a saga', () => {
 *         it('…', async () => {
 *           const { hf, branches } = await harness.start({ debit: (call: BranchCallContext<Debit>) => { … } });
 *
 * and stands in the list of `suites.ts`.
 */
export interface SdkHarness {
  /** `connect` or `embed`: for a test's name, not for a test to decide by. */
  readonly name: string;
  /**
   * A coordinator that knows nothing yet, and participants that serve these branches; all gone when
   * the test ends.
   */
  start<B extends Handlers>(branches: B, options?: SdkOptions): Promise<SdkWorld<B>>;
}

export interface SdkOptions {
  /** What `wait: true` means. */
  readonly waitTimeoutMs?: number;
  /** Of the coordinator; 40 ms unless said, so that tests need not wait for retries. */
  readonly retryIntervalMs?: number;
  readonly timeoutToFailMs?: number;
  readonly requestTimeoutMs?: number;
}

export interface SdkWorld<B extends Handlers> {
  readonly hf: Holdfast;
  /** The declarations to use in transactions. */
  readonly branches: Declared<B>;
  /** Into the options of every workflow: where it is called back, if it must say so. */
  readonly workflowOptions: Pick<WorkflowOptions, 'callbackUrl'>;
}

/** A participant's work; written as a method so that handlers of any payload are among them. */
export interface AnyHandler {
  run(call: BranchCallContext): unknown;
}
export type Handlers = Readonly<Record<string, AnyHandler['run']>>;

export type Declared<B extends Handlers> = {
  readonly [Name in keyof B]: B[Name] extends (call: BranchCallContext<infer Payload>) => unknown
    ? BranchDeclaration<Payload>
    : never;
};

export const DEFAULT_SDK_OPTIONS = {
  waitTimeoutMs: 20_000,
  retryIntervalMs: 40,
  timeoutToFailMs: 20_000,
  requestTimeoutMs: 5_000,
} as const satisfies Required<SdkOptions>;
