import { branchResult, type BranchResult, SUCCESS } from '@holdfast/protocol';
import type { BranchRequest } from '@holdfast/core';
import type { Counters } from '../counters.ts';
import type { Random } from '../kernel/random.ts';
import type { World } from '../kernel/world.ts';
import type { Profile } from '../profile.ts';
import { checkLocally, throughBarrier } from './barrier.ts';
import { type BranchFacts, type Case, type Cases, count } from './case.ts';
import { OPS_OF } from './plan.ts';

/** Sends the response; a participant may never do so. */
export type Reply = (result: BranchResult) => void;

interface ParticipantsDependencies {
  readonly world: World;
  readonly random: Random;
  readonly profile: Profile;
  readonly cases: Cases;
  readonly counters: Counters;
  /** A workflow's code runs in its client. */
  readonly callback: (one: Case, reply: Reply) => void;
  readonly isHealed: () => boolean;
}

/**
 * The services behind the branches, each with its data and a barrier. They succeed, reject for
 * business reasons, and show every failure of a real service.
 */
export class Participants {
  readonly #d: ParticipantsDependencies;
  readonly #downUntilMs = new Map<string, number>();

  constructor(dependencies: ParticipantsDependencies) {
    this.#d = dependencies;
  }

  /** A service fails for a while. */
  takeDown(service: string, durationMs: number): void {
    this.#downUntilMs.set(service, this.#d.world.nowMs + durationMs);
  }

  /** A call arrives. */
  receive(request: BranchRequest, service: string, reply: Reply): void {
    const one = this.#d.cases.find(request);
    if (one === undefined) return reply(branchResult('UNKNOWN', 'unknown transaction'));
    if (request.branchId === '00') return this.#question(one, request, reply);
    const facts = one.branches.get(request.branchId);
    if (facts === undefined) return reply(branchResult('UNKNOWN', 'unknown branch'));
    count(facts.arrived, request.op);
    const { isHealed, world } = this.#d;
    if (!isHealed() && (this.#downUntilMs.get(service) ?? 0) > world.nowMs)
      return reply(branchResult('UNKNOWN', 'the service is down'));
    this.#onADay(one, facts, request, reply);
  }

  #question(one: Case, request: BranchRequest, reply: Reply): void {
    if (one.plan.pattern === 'workflow') return this.#d.callback(one, reply);
    if (request.op !== 'msg') return reply(branchResult('UNKNOWN', 'not a question for this client'));
    const { random, profile, isHealed, counters } = this.#d;
    if (!isHealed() && random.chance(profile.participants.hiccup))
      return reply(branchResult(random.chance(0.3) ? 'ONGOING' : 'UNKNOWN', 'the client does not know yet'));
    const committed = checkLocally(one);
    counters.count(committed ? 'check-backs with result SUCCESS' : 'check-backs with result FAILURE');
    one.checkedSuccess ||= committed;
    one.checkedFailure ||= !committed;
    reply(committed ? SUCCESS : branchResult('FAILURE', 'rolled back locally'));
  }

  #onADay(one: Case, facts: BranchFacts, request: BranchRequest, reply: Reply): void {
    const { random, profile, world, counters, isHealed } = this.#d;
    if (isHealed() || !random.chance(profile.participants.hiccup)) {
      world.after(random.delayMs(profile.participants.workMs), () => reply(this.#work(one, facts, request.op)));
      return;
    }
    const hiccup = random.weighted({ error: 3, loses: 3, mute: 1, ongoing: 2, late: 2, grumbles: 1 });
    counters.count(`participant ${hiccup}`);
    switch (hiccup) {
      case 'error':
        return reply(branchResult('UNKNOWN', 'HTTP 500'));
      case 'loses':
        this.#work(one, facts, request.op);
        return reply(branchResult('UNKNOWN', 'connection reset'));
      case 'mute':
        this.#work(one, facts, request.op);
        return;
      case 'ongoing':
        return reply(branchResult('ONGOING', 'still running'));
      case 'late':
        world.after(request.timeoutMs * random.between(0.5, 4), () => reply(this.#work(one, facts, request.op)));
        return;
      case 'grumbles':
        // A FAILURE where only success is final; forward ops must report the business outcome
        // correctly.
        return reply(branchResult(isForward(one, request.op) ? 'UNKNOWN' : 'FAILURE', 'not now'));
    }
  }

  /** Performs the op, behind the barrier. */
  #work(one: Case, facts: BranchFacts, op: string): BranchResult {
    const { forward, confirm, undo } = OPS_OF[one.plan.pattern];
    if (op === forward && facts.plan.refuses && !one.barrier.has(`${facts.plan.branchId} ${op}`))
      return branchResult('FAILURE', `${facts.plan.branchId} fails as planned`);
    throughBarrier(one, facts.plan.branchId, op, () => {
      if (op === forward) facts.did++;
      else if (op === confirm) facts.confirmed++;
      else if (op === undo) facts.undid++;
    });
    count(facts.completed, op);
    return SUCCESS;
  }
}

const isForward = (one: Case, op: string): boolean => OPS_OF[one.plan.pattern].forward === op;
