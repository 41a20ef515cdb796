import type { BranchResult } from '@holdfast/protocol';
import type { CallContext } from '@holdfast/core';
import type { Engine } from '@holdfast/core/engine';
import type { HeartbeatWatch } from '../check/heartbeat-watch.ts';
import type { AckWatch } from '../check/ack-watch.ts';
import type { Command } from '../check/refusals.ts';
import type { Checker } from '../check/checker.ts';
import type { Counters } from '../counters.ts';
import type { Random } from '../kernel/random.ts';
import type { World } from '../kernel/world.ts';
import { type Case, nameOf } from '../parts/case.ts';
import type { Outcome, Gateway } from '../parts/gateway.ts';
import type { Network } from '../parts/network.ts';
import { urlOf } from '../parts/plan.ts';
import type { SimNode } from '../parts/sim-node.ts';

/** The tools of all clients. */
export interface ClientTools {
  readonly world: World;
  readonly random: Random;
  readonly gateway: Gateway;
  readonly network: Network;
  readonly checker: Checker;
  readonly acks: AckWatch;
  readonly heartbeats: HeartbeatWatch;
  /** The steps of workflows take longer than the interval of callbacks. */
  readonly slowSteps: boolean;
  /** The interval of callbacks of a workflow that states none. */
  readonly retryIntervalMs: number;
  readonly counters: Counters;
  readonly nodes: () => readonly SimNode[];
}

/** The client's process ended in the middle of its work. */
export class ClientDied extends Error {}

const ATTEMPTS = 8;

/**
 * One client of one transaction: sends requests to any node, repeats them if the outcome is
 * unclear, and may die between any two steps.
 */
export class Client {
  readonly tools: ClientTools;
  readonly one: Case;
  readonly context: CallContext;
  #stepsLeft: number;

  constructor(tools: ClientTools, one: Case, stepsLeft: number) {
    this.tools = tools;
    this.one = one;
    this.context = { principal: { id: 'client', roles: [] }, namespace: one.key.namespace };
    this.#stepsLeft = stepsLeft;
  }

  /** Counts one action of the client; throws `ClientDied` when its number of actions is used up. */
  step(): void {
    if (--this.#stepsLeft >= 0) return;
    this.tools.counters.count('clients died');
    throw new ClientDied();
  }

  /**
   * Sends a request to a node, and repeats it at any node until the outcome is clear or the
   * attempts are used up.
   */
  async request<T>(
    label: string,
    call: (engine: Engine, context: CallContext) => Promise<T>,
    { command, done }: { readonly command: Command; readonly done: (value: T) => void },
    attempts = ATTEMPTS,
  ): Promise<Outcome<T>> {
    const { world, random, gateway, nodes } = this.tools;
    let outcome: Outcome<T> = { kind: 'unclear', why: 'never sent' };
    for (let attempt = 1; attempt <= attempts; attempt++) {
      this.step();
      outcome = await gateway.request(random.pick(nodes()), {
        gid: nameOf(this.one.key),
        label,
        call: (engine) => {
          this.one.firstRequestedMs = Math.min(this.one.firstRequestedMs, world.nowMs);
          return call(engine, this.context);
        },
        acknowledged: done,
        refused: (error) => this.tools.acks.refused(this.one, command, error),
      });
      if (outcome.kind !== 'unclear') break;
      await world.sleep(random.between(50, 400 * attempt));
    }
    return outcome;
  }

  /** Calls a participant directly, as clients of tcc, xa and workflow do. */
  async callBranch(branchId: string, op: string): Promise<BranchResult> {
    this.step();
    const { key, plan, branches } = this.one;
    const service = branches.get(branchId)?.plan.service ?? '';
    return this.tools.network.call(
      {
        ...key,
        pattern: plan.pattern,
        branchId,
        op,
        url: urlOf(plan, service, key.gid, branchId, op),
        protocol: 'http',
        payload: new Uint8Array(0),
        attempt: 1,
        alwaysPost: false,
        headers: {},
        timeoutMs: plan.requestTimeoutMs || 1_000,
      },
      'client',
    );
  }
}

export const NO_BYTES = new Uint8Array(0);
export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
