import type { Pattern, TransactionKey } from '@holdfast/protocol';
import { encodeRegistration } from '../codec/entry-codec.ts';
import type { CallContext } from '../call-context.ts';
import type { BranchRegistration as Registered, RegisterBranchInput, TransactionView } from '../coordinator.ts';
import { plainIntervalMs } from '../patterns/retry.ts';
import { acceptRegistrations, urlFieldOf } from './accept.ts';
import type { Admission } from './admission.ts';
import type { Committer, WriteResult } from './committer.ts';
import { contradicts, uncallable } from './errors.ts';
import type { Queries } from './queries.ts';
import { assertSame, registrationError, roomFor } from './registrations.ts';
import { idOf } from './run.ts';
import type { Parts } from './wiring.ts';

/** Appends the branches that clients register to their transactions. Has no state. */
export class BranchRegistration {
  readonly #p: Parts;
  readonly #admission: Admission;
  readonly #queries: Queries;

  constructor(parts: Parts, admission: Admission, queries: Queries) {
    this.#p = parts;
    this.#admission = admission;
    this.#queries = queries;
  }

  async registerBranch(
    context: CallContext,
    { gid, pattern, strict = false, branches }: RegisterBranchInput,
  ): Promise<void> {
    this.#admission.assertAccepting();
    this.#admission.assertInTime(context, gid);
    acceptRegistrations(gid, pattern, branches);
    const key = { namespace: context.namespace, gid };
    const isWorkflow = pattern === 'workflow';
    if (!isWorkflow) await this.#assertCallable(context, gid, pattern, branches);
    const whileAborting = isWorkflow && !(strict && branches.some(({ op }) => op !== 'rollback'));
    const createdAtMs = this.#p.session.nowMs();
    const entries = branches.map((branch) => encodeRegistration({ ...branch, createdAtMs }));
    const result = await this.#append(key, {
      kind: 'append',
      key,
      whenStatus: whileAborting ? ['prepared', 'aborting'] : ['prepared'],
      ...(pattern !== undefined && { whenPattern: pattern }),
      entries,
      ...roomFor(pattern, branches),
      ...(isWorkflow && { postponeMs: await this.#callbackIntervalMs(context, gid) }),
    });
    if (result.kind === 'applied') return assertSame(gid, pattern, branches, result.existing, strict);
    if (result.kind === 'conflict') await this.#assertPattern(context, gid, pattern);
    throw registrationError(gid, result);
  }

  /**
   * Throws `invalid` for a branch that could be registered and never called, because its protocol
   * cannot carry the transaction's headers or its payload. Only protocols that carry less than
   * others cost a read. The coordinator calls no branch of a workflow.
   */
  async #assertCallable(
    context: CallContext,
    gid: string,
    pattern: Pattern | undefined,
    branches: readonly Registered[],
  ): Promise<void> {
    const { caller } = this.#p.dependencies;
    if (!branches.some(({ url }) => url !== '' && caller.dependsOnContents?.(url) === true)) return;
    const { definition } = await this.#assertPattern(context, gid, pattern);
    for (const { branchId, op, url, payload } of branches) {
      const fault = url === '' ? undefined : caller.faultOf?.(url, { ...definition, gid, branchId, payload });
      if (fault !== undefined) throw uncallable(gid, urlFieldOf(op), fault, url);
    }
  }

  /** The workflow's plain interval, by which each recorded step postpones the callback. */
  async #callbackIntervalMs(context: CallContext, gid: string): Promise<number> {
    const { definition } = await this.#assertPattern(context, gid, 'workflow');
    return plainIntervalMs(definition.options, this.#p.options);
  }

  /**
   * Throws unless the transaction has this pattern: a branch of another pattern would never be
   * called.
   */
  async #assertPattern(context: CallContext, gid: string, pattern: Pattern | undefined): Promise<TransactionView> {
    const view = await this.#queries.mustGet(context, gid);
    if (pattern !== undefined && view.pattern !== pattern) throw contradicts('wrong_pattern', gid, view, pattern);
    return view;
  }

  #append(key: TransactionKey, item: Parameters<Committer['enqueue']>[0]): Promise<WriteResult> {
    return new Promise((resolve) => this.#p.committer.enqueue(item, idOf(key), false, resolve));
  }
}
