import type { CallContext } from '@holdfast/core';
import { NAMESPACE_FIELD, namespaceOf } from '@holdfast/api';
import {
  ANONYMOUS,
  DEFAULT_NAMESPACE,
  HoldfastError,
  parseTraceContext,
  type Principal,
  type TraceContext,
} from '@holdfast/protocol';
import { parseGrpcTimeout } from '@holdfast/protocol/grpc';

/** The part of a call's metadata that its context reads. */
export interface CallMetadata {
  /** The value of a field that was sent once; undefined if it is absent. */
  field(name: string): string | undefined;
}

/** The caller of a gRPC call, its deadline and its trace. */
export class GrpcContext implements CallContext {
  #principal: Principal = ANONYMOUS;
  #namespace: string = DEFAULT_NAMESPACE;
  /** Set before the caller is known. */
  remoteAddress: string | undefined;
  /** See `CallContext`. */
  connection: object | string | undefined;
  readonly signal: AbortSignal;
  readonly #metadata: CallMetadata;
  readonly #arrivedMs: number;

  /** @param arrivedMs when the call arrived, by `performance.now()` as the engine's clock */
  constructor(metadata: CallMetadata, arrivedMs: number, signal: AbortSignal) {
    this.#metadata = metadata;
    this.#arrivedMs = arrivedMs;
    this.signal = signal;
  }

  get principal(): Principal {
    return this.#principal;
  }

  get namespace(): string {
    return this.#namespace;
  }

  /**
   * Sets the caller, and the namespace that its call names.
   *
   * @throws {HoldfastError} `invalid` or `forbidden`; see `namespaceOf`
   */
  admit(principal: Principal): void {
    this.#principal = principal;
    this.#namespace = namespaceOf(principal, this.#metadata.field(NAMESPACE_FIELD));
  }

  get trace(): TraceContext | undefined {
    const traceparent = this.#metadata.field('traceparent');
    return traceparent === undefined ? undefined : parseTraceContext(traceparent, this.#metadata.field('tracestate'));
  }

  /**
   * As `deadlineMs`; undefined if `grpc-timeout` is malformed. The call is then rejected later.
   */
  get authenticationDeadlineMs(): number | undefined {
    const timeoutMs = parseGrpcTimeout(this.#metadata.field('grpc-timeout') ?? '');
    return timeoutMs === undefined ? undefined : this.#arrivedMs + timeoutMs;
  }

  /** From `grpc-timeout`. Throws `invalid` if it is malformed. */
  get deadlineMs(): number | undefined {
    const text = this.#metadata.field('grpc-timeout');
    if (text === undefined) return undefined;
    const timeoutMs = parseGrpcTimeout(text);
    if (timeoutMs === undefined)
      throw new HoldfastError('invalid', 'grpc-timeout must be up to 8 digits and a unit of H, M, S, m, u or n');
    return this.#arrivedMs + timeoutMs;
  }
}
