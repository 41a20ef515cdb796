import type { Store } from '@holdfast/core/store';
import type { BranchCallContext, BranchDeclaration, Holdfast, WorkflowOptions } from '@holdfast/client';

/**
 * The environment of the SDK's behaviour suites: a real coordinator and real participants. There
 * are several: `connect()` to a server with participants over HTTP or gRPC, and `embed()` with
 * functions of the process; every guarantee of the SDK holds for all. A suite is a function of the
 * harness:
 *
 *     export function sagaSuite(harness: SdkHarness): void {
 *       describe('a saga', () => {
 *         it('…', async () => {
 *           const { hf, branches } = await harness.start({ debit: (call) => { … } });
 *
 * and is listed in `suites.ts`.
 */
export interface SdkHarness {
  /** `connect` or `embed`: used in test names; tests must not branch on it. */
  readonly name: string;
  /** A gid with unusual characters, as far as the branches can receive them. */
  readonly oddGid: string;
  /**
   * Starts an empty coordinator, and participants that serve these branches; all are stopped when
   * the test ends.
   */
  start<B extends Handlers>(branches: B, options?: SdkOptions): Promise<SdkWorld<B>>;
}

export interface SdkOptions {
  /** The timeout of `wait: true`. */
  readonly waitTimeoutMs?: number;
  /** Of the coordinator; 40 ms by default, so that retries are fast in tests. */
  readonly retryIntervalMs?: number;
  readonly timeoutToFailMs?: number;
  readonly requestTimeoutMs?: number;
  /** Default: a store in memory. */
  readonly store?: Store;
}

export interface SdkWorld<B extends Handlers> {
  readonly hf: Holdfast;
  /** The declarations to use in transactions. */
  readonly branches: Declared<B>;
  /** Added to the options of every workflow: the callback URL, if one is required. */
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
} as const satisfies Required<Omit<SdkOptions, 'store'>>;
