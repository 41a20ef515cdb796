import type { BranchRegistration, CallContext, TransactionInput } from '@holdfast/core';
import type { Engine } from '@holdfast/core/engine';
import { payloadFor } from '../check/call-watch.ts';
import type { Case } from '../parts/case.ts';
import { type BranchPlan, OPS_OF, type TwoPhasePlan, urlOf } from '../parts/plan.ts';
import { bytesOf, type Client } from './client.ts';
import { optionsOf } from './input.ts';

/** TCC and XA: prepares, registers and calls each branch, then decides; unless it dies before. */
export async function runTwoPhase(client: Client, plan: TwoPhasePlan): Promise<void> {
  const { one, tools } = client;
  const input = twoPhaseInput(one, plan);
  const prepared = await client.request('prepare', (engine, context) => engine.prepare(context, input), {
    command: 'prepare',
    done: () => tools.acks.prepared(one),
  });
  if (prepared.kind !== 'done') return;
  const late: Promise<unknown>[] = [];
  let allWell = true;
  for (const branch of plan.branches) {
    if (branch.late) {
      late.push(registerLate(client, plan, branch));
      continue;
    }
    if (!allWell) continue;
    const registered = await register(client, plan, branch);
    if (registered.kind === 'refused') {
      allWell = false;
      break;
    }
    const tried =
      registered.kind === 'done' ? await client.callBranch(branch.branchId, OPS_OF[plan.pattern].forward) : undefined;
    allWell = tried?.kind === 'SUCCESS';
  }
  const commit = allWell && !plan.abandons;
  const other = plan.confused ? decide(client, plan, input, false).catch(() => {}) : undefined;
  await decide(client, plan, input, commit);
  await Promise.all([other, ...late]);
}

/** The transaction that the client prepares. */
export const twoPhaseInput = (one: Case, plan: TwoPhasePlan): TransactionInput => ({
  gid: one.key.gid,
  pattern: plan.pattern,
  options: optionsOf(plan),
});

async function decide(client: Client, plan: TwoPhasePlan, input: TransactionInput, commit: boolean): Promise<void> {
  const { one, tools } = client;
  if (!commit) {
    const abort = (engine: Engine, context: CallContext) => {
      one.requested.add('abort');
      return engine.abort(context, {
        gid: one.key.gid,
        pattern: plan.pattern,
        reason: 'a branch returned FAILURE',
        waitResult: plan.waitResult,
      });
    };
    await client.request('abort', abort, { command: 'abort', done: () => tools.acks.aborted(one) });
    return;
  }
  const submit = (engine: Engine, context: CallContext) => {
    one.requested.add('submit');
    return engine.submit(context, input);
  };
  await client.request('submit', submit, {
    command: 'submit',
    done: (outcome) => tools.acks.submitted(one, outcome),
  });
}

/**
 * Registers while the client already decides: an acknowledged registration must be confirmed or
 * cancelled.
 */
async function registerLate(client: Client, plan: TwoPhasePlan, branch: BranchPlan): Promise<void> {
  const { tools } = client;
  // The client's death is reported by the main path.
  const quietly = register(client, plan, branch).catch(() => undefined);
  const response = await quietly;
  if (response !== undefined) tools.counters.count(`late registrations ${response.kind}`);
}

async function register(client: Client, plan: TwoPhasePlan, branch: BranchPlan) {
  const { one, tools } = client;
  const branches = registrationOf(one, plan, branch);
  // Usually the registration and the decision race each other through the network.
  if (branch.late) await tools.world.sleep(tools.random.delayMs(tools.random.pick([1, 5, 20, 500])));
  const call = (engine: Engine, context: CallContext) =>
    engine.registerBranch(context, { gid: one.key.gid, pattern: plan.pattern, branches });
  const acknowledge = (): void =>
    tools.acks.registered(
      one,
      branches.map(({ op }) => `branch:${branch.branchId}:${op}`),
    );
  const response = await client.request(`register ${branch.branchId}`, call, {
    command: 'register',
    done: acknowledge,
  });
  if (response.kind === 'done' && tools.random.chance(0.1))
    return client.request(`register ${branch.branchId} again`, call, { command: 'register', done: acknowledge });
  return response;
}

/** The calls of a branch's second phase, in the form in which its client registers them. */
export function registrationOf(one: Case, plan: TwoPhasePlan, branch: BranchPlan): BranchRegistration[] {
  const { confirm, undo } = OPS_OF[plan.pattern];
  return [undo, confirm].map((op) => ({
    branchId: branch.branchId,
    op,
    url: urlOf(plan, branch.service, one.key.gid, branch.branchId, op),
    payload: bytesOf(payloadFor(one, branch)),
    status: 'prepared',
  }));
}
