import {
  branchHeaderFault,
  type BranchTarget,
  BranchTargets,
  type HttpTarget,
  type LocalBranches,
} from '@holdfast/branches';
import type { BranchRegistration, TransactionInput } from '@holdfast/core';
import { type BranchProtocol, COORDINATES, HoldfastError, LIMITS, type Pattern } from '@holdfast/protocol';

/** Limits that an operator can reduce. */
export interface AcceptanceLimits {
  readonly maxSteps: number;
  readonly maxPayloadBytes: number;
  readonly maxPageSize: number;
}

export const DEFAULT_ACCEPTANCE_LIMITS: AcceptanceLimits = {
  maxSteps: LIMITS.steps,
  maxPayloadBytes: LIMITS.payloadBytes,
  maxPageSize: LIMITS.pageSize,
};

/** Patterns whose branches are registered while the transaction is prepared. */
const BRANCHES_COME_LATER: ReadonlySet<string> = new Set<Pattern>(['tcc', 'xa', 'workflow']);

/** For transactions of this process, which may use its functions. */
export interface Home {
  readonly locals: LocalBranches;
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
export class Acceptance {
  readonly #limits: AcceptanceLimits;
  readonly #home: Home | undefined;
  readonly #targets = new BranchTargets();

  /** @param home omitted for requests from the network */
  constructor(limits: AcceptanceLimits = DEFAULT_ACCEPTANCE_LIMITS, home?: Home) {
    this.#limits = limits;
    this.#home = home;
  }

  transaction(input: TransactionInput): TransactionInput {
    const { gid, protocol, steps = [], payloads = [], queryPrepared, options } = input;
    const { maxSteps, maxPayloadBytes } = this.#limits;
    if (steps.length > maxSteps) throw tooLarge(gid, 'steps', maxSteps, 'entries');
    for (let index = 0; index < steps.length; index++) {
      const step = steps[index];
      if (step === undefined) continue;
      // Field names are built only for errors: this is the hot path.
      if (!this.#callable(step.action, input))
        this.#refuse(gid, `steps[${index}].action`, step.action, protocol, input.pattern);
      if (!this.#callable(step.compensate, input))
        this.#refuse(gid, `steps[${index}].compensate`, step.compensate, protocol);
    }
    for (let index = 0; index < payloads.length; index++) {
      if ((payloads[index]?.length ?? 0) > maxPayloadBytes)
        throw tooLarge(gid, `payloads[${index}]`, maxPayloadBytes, 'bytes');
    }
    if (queryPrepared !== undefined && !this.#callable(queryPrepared, input))
      this.#refuse(gid, 'query_prepared', queryPrepared, protocol);
    if (options?.branchHeaders !== undefined) acceptHeaders(gid, options.branchHeaders);
    return this.#home === undefined || !BRANCHES_COME_LATER.has(input.pattern)
      ? input
      : { ...input, group: this.#home.group };
  }

  registrations(gid: string, branches: readonly BranchRegistration[]): void {
    for (const { op, url, payload } of branches) {
      if (!this.#callable(url, { gid })) this.#refuse(gid, op === 'commit' || op === 'rollback' ? 'url' : op, url);
      if (payload.length > this.#limits.maxPayloadBytes)
        throw tooLarge(gid, 'data', this.#limits.maxPayloadBytes, 'bytes');
    }
  }

  /** A topic's subscriber is called like any branch. */
  subscriber(url: string): void {
    if (!this.#callable(url)) this.#refuse(undefined, 'url', url);
  }

  pageSize(asked: number): number {
    return Math.min(asked, this.#limits.maxPageSize);
  }

  #callable(url: string, about: About = {}): boolean {
    if (url === '') return true;
    const target = this.#targets.of(url);
    if (target.kind === 'http') return target.coordinates.length === 0 || repeats(target, about);
    return target.kind === 'local' && this.#home?.locals.has(target.name) === true;
  }

  #refuse(gid: string | undefined, field: string, url: string, protocol?: BranchProtocol, pattern?: string): void {
    const target = this.#targets.of(url);
    if (target.kind === 'topic' && pattern === 'msg') return;
    throw new HoldfastError('invalid', `${field}: ${this.#faultOf(target, protocol)}: ${url.slice(0, 200)}`, {
      field,
      ...(gid !== undefined && gid !== '' && { gid }),
    });
  }

  #faultOf(target: BranchTarget, protocol: BranchProtocol | undefined): string {
    const { kind } = target;
    if (kind === 'http')
      return `its query must not have ${COORDINATES.join(', ')}: the coordinator adds these to each call; rename ${target.coordinates.map(([name]) => name).join(', ')}`;
    if (kind === 'grpc' || (kind === 'malformed' && protocol === 'grpc'))
      return 'gRPC branches are not supported by this version';
    if (kind === 'local')
      return this.#home === undefined
        ? 'a local:// branch cannot be named over the network, only by the process that hosts it'
        : 'no branch of that name was given to this process when it started';
    if (kind === 'topic') return "only the action of a message's step can be a topic";
    return 'not an http:// or https:// URL';
  }
}

/** The known properties of the transaction whose URLs are checked. */
type About = Partial<Pick<TransactionInput, 'gid' | 'pattern'>>;

/** Whether the coordinator's parameters in the URL have the values that the coordinator adds. */
const repeats = ({ coordinates }: HttpTarget, { gid, pattern }: About): boolean =>
  coordinates.every(([name, value]) => value === (name === 'gid' ? gid : name === 'trans_type' ? pattern : undefined));

/** Checks the number first: checking a million names is too expensive. */
function acceptHeaders(gid: string, headers: Readonly<Record<string, string>>): void {
  const entries = Object.entries(headers);
  if (entries.length > LIMITS.branchHeaders) throw tooLarge(gid, 'branch_headers', LIMITS.branchHeaders, 'entries');
  let characters = 0;
  for (const [name, value] of entries) characters += name.length + value.length;
  if (characters > LIMITS.branchHeaderCharacters)
    throw tooLarge(gid, 'branch_headers', LIMITS.branchHeaderCharacters, 'characters');
  for (const [name, value] of entries) {
    const fault = branchHeaderFault(name, value);
    if (fault === undefined) continue;
    const field = `branch_headers[${JSON.stringify(name.slice(0, 64))}]`;
    throw new HoldfastError('invalid', `${field}: ${fault}`, { gid, field });
  }
}

function tooLarge(gid: string, field: string, limit: number, unit: string): HoldfastError {
  return new HoldfastError('too_large', `${field} must have at most ${limit} ${unit}`, { gid, field });
}
