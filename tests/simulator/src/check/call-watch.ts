import { branchResult, type BranchResult } from '@holdfast/protocol';
import type { BranchRequest } from '@holdfast/core';
import type { SessionId, StoredTransaction } from '@holdfast/core/store';
import { type Case, type Cases, count, nameOf } from '../parts/case.ts';
import { type BranchPlan, hosts, OPS_OF, stepsBefore, urlOf } from '../parts/plan.ts';
import type { Checker } from './checker.ts';
import type { HeartbeatWatch } from './heartbeat-watch.ts';
import type { World } from '../kernel/world.ts';

interface CallWatchDependencies {
  readonly world: World;
  readonly checker: Checker;
  readonly cases: Cases;
  readonly heartbeats: HeartbeatWatch;
  readonly maxClaims: number;
  /**
   * The nodes' times are about the same: no response of the store takes long, and no pause lets a
   * clock drift.
   */
  readonly steadyTime: boolean;
}

/** Judges every branch call, when a coordinator starts it, against the store at that moment. */
export class CallWatch {
  readonly #d: CallWatchDependencies;

  constructor(dependencies: CallWatchDependencies) {
    this.#d = dependencies;
  }

  /** `running`: the calls that this node is already making, see `labelOf`. Returns the case. */
  started(session: SessionId, request: BranchRequest, running: ReadonlySet<string>): Case | undefined {
    const { cases, checker, maxClaims } = this.#d;
    const gid = nameOf(request);
    const one = cases.find(request);
    const record = one?.record;
    if (one === undefined || record === undefined) {
      checker.violate('DEC4', gid, `${request.branchId} ${request.op} is called, but the transaction is not stored`);
      return one;
    }
    // A force-stop may reach the owner a flush later; and a check-back may cross the submission
    // that makes it unnecessary.
    if (request.branchId === '00') {
      if (one.plan.pattern === 'workflow') this.#d.heartbeats.calledBack(one);
      return one;
    }
    this.#asTheClientSpecified(one, request);
    if (one.stopped) return one;
    const { undo, forward } = OPS_OF[one.plan.pattern];
    const what = `${request.branchId} ${request.op} is called by ${session}`;
    checker.expect(
      record.owner === session,
      'OWN1',
      gid,
      () => `${what}, but the record is owned by ${record.owner ?? 'nobody'}`,
    );
    checker.expect(record.claims <= maxClaims, 'OWN6', gid, () => `${what} after ${record.claims} claims`);
    const [needed, invariant] =
      request.op === undo ? (['aborting', 'DEC3'] as const) : (['submitted', 'DEC4'] as const);
    checker.expect(record.status === needed, invariant, gid, () => `${what}, but the record is ${record.status}`);
    checker.expect(
      !running.has(labelOf(session, request, request.op)),
      'OWN7',
      gid,
      () => `${what} while the same call is running`,
    );
    if (request.op === undo)
      checker.expect(
        !running.has(labelOf(session, request, forward)),
        'OWN7',
        gid,
        () => `${what} while its ${forward} is running`,
      );
    if (one.plan.pattern === 'saga' && one.plan.local)
      checker.expect(hosts(session), 'OWN8', gid, () => `${what}, a node that does not host it`);
    this.#inOrder(one, request);
    this.#inTheOrderOfRegistration(one, record, request);
    const facts = one.branches.get(request.branchId);
    if (facts !== undefined) count(facts.sent, request.op);
    return one;
  }

  responded(one: Case | undefined, request: BranchRequest, result: BranchResult): void {
    if (one === undefined || one.plan.pattern !== 'saga' || request.op !== 'action') return;
    if (result.kind === 'FAILURE') one.failuresHeard++;
    else if (result.kind !== 'SUCCESS') one.uncertainHeard++;
  }

  /** The node's branch caller threw, which counts as a response that decides nothing. */
  threw(request: BranchRequest): void {
    this.responded(this.#d.cases.find(request), request, branchResult('UNKNOWN', 'thrown'));
  }

  #asTheClientSpecified(one: Case, request: BranchRequest): void {
    const { checker } = this.#d;
    const gid = nameOf(one.key);
    const facts = one.branches.get(request.branchId);
    if (facts === undefined) return checker.violate('EFF7', gid, `no client knows a branch ${request.branchId}`);
    const expected = facts.plan.topic ?? urlOf(one.plan, facts.plan.service, one.key.gid, request.branchId, request.op);
    checker.expect(
      request.url === expected,
      'EFF7',
      gid,
      () => `${request.branchId} ${request.op} goes to ${request.url}, not to ${expected}`,
    );
    const payload = new TextDecoder().decode(request.payload);
    const payloadOf = payloadFor(one, facts.plan);
    checker.expect(
      payload === payloadOf,
      'EFF7',
      gid,
      () => `${request.branchId} ${request.op} carries ${payload}, not ${payloadOf}`,
    );
  }

  /**
   * EFF4: forward after the previous steps have succeeded; backward after the later ones are
   * compensated.
   */
  #inOrder(one: Case, { branchId, op }: BranchRequest): void {
    const { plan } = one;
    const gid = nameOf(one.key);
    if (plan.pattern === 'msg') this.#notBeforeItsDelay(one, branchId);
    if (plan.pattern !== 'saga' && plan.pattern !== 'msg') return;
    const steps = plan.branches;
    const index = steps.findIndex((step) => step.branchId === branchId);
    const others =
      op === 'action'
        ? stepsBefore(plan, index)
        : steps.flatMap((_, i) => (stepsBefore(plan, i).includes(index) ? i : []));
    for (const other of others) {
      const facts = one.branches.get(steps[other]?.branchId ?? '');
      if (facts === undefined || !this.#concerns(facts.plan, branchId)) continue;
      const holds =
        op === 'action'
          ? facts.completed.has('action')
          : !facts.sent.has('action') || facts.completed.has('compensate') || facts.plan.lasting;
      this.#d.checker.expect(
        holds,
        'EFF4',
        gid,
        () => `${branchId} ${op} is called before ${facts.plan.branchId} is through`,
      );
    }
  }

  /**
   * The second phase of a tcc proceeds from the newest branch to the oldest, that of an xa from the
   * oldest.
   */
  #inTheOrderOfRegistration(one: Case, { entries }: StoredTransaction, { branchId, op }: BranchRequest): void {
    const { pattern } = one.plan;
    if (pattern !== 'tcc' && pattern !== 'xa') return;
    const ids = entries.flatMap(({ key }) => (key.endsWith(`:${op}`) ? [key.split(':')[1] ?? ''] : []));
    const place = ids.indexOf(branchId);
    for (const other of pattern === 'tcc' ? ids.slice(place + 1) : ids.slice(0, place)) {
      const through = one.branches.get(other)?.completed.has(op) === true;
      this.#d.checker.expect(
        through,
        'EFF4',
        nameOf(one.key),
        () => `${branchId} ${op} is called before ${other} is through`,
      );
    }
  }

  /** Subscribers of one topic are called concurrently. */
  #concerns(plan: BranchPlan, branchId: string): boolean {
    return plan.branchId.split('-')[0] !== branchId.split('-')[0];
  }

  #notBeforeItsDelay(one: Case, branchId: string): void {
    if (one.plan.pattern !== 'msg' || one.plan.delayMs === 0) return;
    const { world, checker, steadyTime } = this.#d;
    // If a check-back submitted the message, there is no submission from which to count.
    if (!steadyTime || one.checkedSuccess) return;
    const earliestMs = one.firstSubmitMs + one.plan.delayMs * 0.9;
    checker.expect(
      world.nowMs >= earliestMs,
      'EFF4',
      nameOf(one.key),
      () => `${branchId} is called before its delay is over`,
    );
  }
}

/**
 * Identifies a call that a node is making; the next session repeats the calls that a session lost.
 */
export const labelOf = (session: SessionId, { branchId, ...key }: BranchRequest, op: string): string =>
  `${session} ${nameOf(key)} ${branchId} ${op}`;

/**
 * The payload of a branch, which identifies it. Subscribers of a topic have the payload of their
 * step.
 */
export const payloadFor = (one: Case, branch: BranchPlan): string =>
  `${one.key.gid}:${branch.branchId.split('-')[0] ?? ''}`;
