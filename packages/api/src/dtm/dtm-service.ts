import type { CallContext } from '@holdfast/core';
import { DEFAULT_ENGINE_OPTIONS } from '@holdfast/core/engine';
import { type CallHooks, intercept, recorded } from '../calls/interceptors.ts';
import type { Invoke } from '../calls/invoke.ts';
import { dtmImplementations, type DtmServiceOptions, type RetryPolicy } from './implementations.ts';
import { DTM_OPERATION_NAMES, DTM_OPERATIONS, type DtmOperationName } from './operations.ts';

export type { DtmServiceOptions, RetryPolicy } from './implementations.ts';

type Implementations = ReturnType<typeof dtmImplementations>;
/** What a caller gives a call of dtm's wire. */
export type DtmInputOf<Name extends DtmOperationName> = Parameters<Implementations[Name]>[1];
/** What a call of dtm's wire resolves to. */
export type DtmResultOf<Name extends DtmOperationName> = Awaited<ReturnType<Implementations[Name]>>;

/** The function that carries out a call of dtm's wire. */
export type DtmInvoke<Name extends DtmOperationName> = (
  context: CallContext,
  input: DtmInputOf<Name>,
) => Promise<DtmResultOf<Name>>;

/**
 * The calls of dtm's wire, independent of the transport: inputs are decoded, changes resolve to an
 * outcome in dtm's words, queries to views. REST, JSON-RPC and gRPC render the results. An error
 * that a call throws is a `HoldfastError`; `faultOfError` converts it to an outcome.
 */
export class DtmService {
  readonly retry: RetryPolicy;
  readonly #invokes: Readonly<Record<DtmOperationName, Invoke>>;

  /** @param hooks what happens around each call */
  constructor(options: DtmServiceOptions, hooks: CallHooks = {}) {
    this.retry = options.retry ?? DEFAULT_ENGINE_OPTIONS;
    const wrap = intercept(hooks);
    const implementations = dtmImplementations(options);
    this.#invokes = Object.fromEntries(
      DTM_OPERATION_NAMES.map((name) => {
        const call = { name: `dtm.${name}` as const, ...DTM_OPERATIONS[name] };
        return [name, wrap(call, recorded(hooks, call, implementations[name] as unknown as Invoke))];
      }),
    ) as Readonly<Record<DtmOperationName, Invoke>>;
  }

  /** The function that carries out a call; a transport resolves it once. */
  invokeOf<Name extends DtmOperationName>(name: Name): DtmInvoke<Name> {
    return this.#invokes[name] as unknown as DtmInvoke<Name>;
  }
}
