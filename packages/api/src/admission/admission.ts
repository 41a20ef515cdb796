import {
  type AdmissionContext,
  branchHeaderFault,
  type BranchRegistry,
  faultOfHeaders,
  type Origin,
} from '@holdfast/branches';
import type { BranchRegistration, TransactionInput } from '@holdfast/core';
import { payloadFieldOf, urlFieldOf } from '@holdfast/core/engine';
import { type FieldPath, HoldfastError, LIMITS, type Pattern, shown, withoutSecrets } from '@holdfast/protocol';

/** Limits that an operator can reduce. */
export interface AdmissionLimits {
  readonly maxSteps: number;
  readonly maxPayloadBytes: number;
  readonly maxPageSize: number;
}

export const DEFAULT_ADMISSION_LIMITS: AdmissionLimits = {
  maxSteps: LIMITS.steps,
  maxPayloadBytes: LIMITS.payloadBytes,
  maxPageSize: LIMITS.pageSize,
};

/** Part of a rejected URL that an error shows. */
const LONGEST_URL = 200;

/** Patterns whose branches are registered while the transaction is prepared. */
const BRANCHES_COME_LATER: ReadonlySet<string> = new Set<Pattern>(['tcc', 'xa', 'workflow']);

/** For transactions of this process, which may use its functions. */
export interface Home {
  /**
   * Application group of the functions. A transaction whose branches are registered later is only
   * for nodes of that group.
   */
  readonly group: string;
}

/**
 * The checks of this coordinator beyond those of the engine: URLs must be callable and allowed for
 * the caller, headers must be sendable, and the operator's limits apply. Throws `invalid` or
 * `too_large`, naming the field.
 */
export class Admission {
  readonly #branches: BranchRegistry;
  readonly #limits: AdmissionLimits;
  readonly #home: Home | undefined;
  readonly #origin: Origin;

  /**
   * @param branches the protocols that call branches
   * @param home omitted for requests from the network
   */
  constructor(branches: BranchRegistry, limits: AdmissionLimits = DEFAULT_ADMISSION_LIMITS, home?: Home) {
    this.#branches = branches;
    this.#origin = home === undefined ? 'network' : 'process';
    this.#limits = limits;
    this.#home = home;
  }

  transaction(input: TransactionInput, namespace: string): TransactionInput {
    const { gid, steps = [], payloads = [], queryPrepared, workflowData, options } = input;
    const { maxSteps, maxPayloadBytes } = this.#limits;
    if (steps.length > maxSteps) throw tooLarge(gid, ['steps'], maxSteps, 'entries');
    // First, since the URLs of some protocols are checked together with them.
    if (options?.branchHeaders !== undefined) {
      admitHeaders(input, options.branchHeaders);
      this.#admitSecrets(gid, namespace, options.branchHeaders);
    }
    for (let index = 0; index < steps.length; index++) {
      const step = steps[index];
      if (step === undefined) continue;
      const contents = contentsOf(input, payloads[index]);
      // Field names are built only for errors: this is the hot path.
      const fault = this.#faultOf(step.action, namespace, contents);
      if (fault !== undefined && !isTopicOf(input.pattern, step.action))
        throw refusal(gid, ['steps', index, 'action'], fault, step.action);
      const undoFault = this.#faultOf(step.compensate, namespace, contents);
      if (undoFault !== undefined) throw refusal(gid, ['steps', index, 'compensate'], undoFault, step.compensate);
    }
    for (let index = 0; index < payloads.length; index++) {
      if ((payloads[index]?.length ?? 0) > maxPayloadBytes)
        throw tooLarge(gid, ['steps', index, 'payload'], maxPayloadBytes, 'bytes');
    }
    const fault = this.#faultOf(queryPrepared, namespace, contentsOf(input, workflowData));
    if (fault !== undefined) throw refusal(gid, ['queryPrepared'], fault, queryPrepared);
    return this.#home === undefined || !BRANCHES_COME_LATER.has(input.pattern)
      ? input
      : { ...input, group: this.#home.group };
  }

  /**
   * @param transaction the branches' transaction, if it is known; otherwise the engine checks the
   * branches with it
   */
  registrations(
    gid: string,
    namespace: string,
    pattern: Pattern | undefined,
    branches: readonly BranchRegistration[],
    transaction: AdmissionContext = {},
  ): void {
    for (const { branchId, op, url, payload } of branches) {
      const fault = this.#faultOf(url, namespace, { ...transaction, gid, branchId, payload });
      if (fault !== undefined) throw refusal(gid, urlFieldOf(op), fault, url);
      if (payload.length > this.#limits.maxPayloadBytes)
        throw tooLarge(gid, payloadFieldOf(pattern), this.#limits.maxPayloadBytes, 'bytes');
    }
  }

  /**
   * A topic's subscriber is called like any branch.
   *
   * @param message the message that it is called for, if it is known
   */
  subscriber(url: string, namespace: string, message: AdmissionContext = {}): void {
    const fault = this.#faultOf(url, namespace, message);
    if (fault !== undefined) throw refusal(undefined, ['url'], fault, url);
  }

  pageSize(requested: number): number {
    return Math.min(requested, this.#limits.maxPageSize);
  }

  #admitSecrets(gid: string, namespace: string, headers: Readonly<Record<string, string>>): void {
    const fault = this.#branches.secretFaultOf(namespace, headers);
    if (fault === undefined) return;
    throw new HoldfastError('invalid', fault.why, { gid, field: ['branchHeaders', fault.header] });
  }

  /** Why the transaction must not have a branch with this URL; an empty URL is never called. */
  #faultOf(url: string | undefined, namespace: string, context: AdmissionContext): string | undefined {
    return url === undefined || url === '' ? undefined : this.#branches.admit(url, namespace, context, this.#origin);
  }
}

/**
 * Only JSON-RPC cannot carry every payload: the others are checked without a copy for each step.
 */
const contentsOf = (input: TransactionInput, payload: Uint8Array | undefined): AdmissionContext =>
  input.protocol === 'json-rpc' && payload !== undefined ? { ...input, payload } : input;

/** A topic is replaced by its subscribers when the message is submitted. */
const isTopicOf = (pattern: Pattern, action: string): boolean => pattern === 'msg' && action.startsWith('topic://');

const refusal = (gid: string | undefined, field: FieldPath, fault: string, url = ''): HoldfastError =>
  new HoldfastError('invalid', `${fault}: ${shown(withoutSecrets(url), LONGEST_URL)}`, {
    field,
    ...(gid !== undefined && gid !== '' && { gid }),
  });

/** Checks the number first: checking a million names is too expensive. */
function admitHeaders({ gid, pattern, protocol }: TransactionInput, headers: Readonly<Record<string, string>>): void {
  const entries = Object.entries(headers);
  if (entries.length > LIMITS.branchHeaders) throw tooLarge(gid, ['branchHeaders'], LIMITS.branchHeaders, 'entries');
  let characters = 0;
  for (const [name, value] of entries) characters += name.length + value.length;
  if (characters > LIMITS.branchHeaderCharacters)
    throw tooLarge(gid, ['branchHeaders'], LIMITS.branchHeaderCharacters, 'characters');
  for (const [name, value] of entries) {
    const fault = branchHeaderFault(name, value);
    if (fault === undefined) continue;
    throw new HoldfastError('invalid', fault, { gid, field: ['branchHeaders', name] });
  }
  // The URLs of branches that are registered later are checked without the headers.
  const fault = protocol === 'grpc' && BRANCHES_COME_LATER.has(pattern) ? faultOfHeaders(headers) : undefined;
  if (fault !== undefined) throw new HoldfastError('invalid', fault, { gid, field: ['branchHeaders'] });
}

function tooLarge(gid: string, field: FieldPath, limit: number, unit: string): HoldfastError {
  return new HoldfastError('too_large', `must have at most ${limit} ${unit}`, { gid, field });
}
