import { branchResult, SUCCESS } from '@holdfast/protocol';
import type { BranchRegistration, CallContext, TransactionInput, TransactionView } from '@holdfast/core';
import type { Engine } from '@holdfast/core/engine';
import type { Case } from '../parts/case.ts';
import type { Reply } from '../parts/participants.ts';
import { urlOf, type WorkflowPlan } from '../parts/plan.ts';
import { type Client, ClientDied, NO_BYTES } from './client.ts';
import { sendHeartbeat, slowly } from './workflow-heartbeats.ts';
import { optionsOf } from './input.ts';

/**
 * A workflow's code with its SDK: it runs and records the steps that are not recorded; after a
 * failed step it makes aborting durable, undoes every step and finishes the workflow. The
 * coordinator's callback runs the same code again.
 */
export async function runWorkflow(client: Client, plan: WorkflowPlan): Promise<void> {
  const view = await begin(client, plan);
  if (view === undefined || view.status === 'succeed' || view.status === 'failed') return;
  if (view.status === 'prepared') {
    const went = await goForward(client, plan, view);
    if (went === 'unclear') return;
    if (went === 'done') {
      const ended = await finish(client, 'succeed');
      if (ended.kind !== 'refused') return;
    }
  }
  await goBack(client, plan);
}

/** Runs the workflow's code for a callback of the coordinator. */
export async function respondToCallback(client: Client, plan: WorkflowPlan, reply: Reply): Promise<void> {
  client.tools.counters.count('workflow callbacks');
  try {
    await runWorkflow(client, plan);
    reply(SUCCESS);
  } catch (error) {
    if (!(error instanceof ClientDied)) throw error;
    reply(branchResult('UNKNOWN', 'the client died'));
  }
}

async function begin(client: Client, plan: WorkflowPlan): Promise<TransactionView | undefined> {
  const { one, tools } = client;
  const response = await client.request(
    'prepare workflow',
    (engine, context) => engine.prepareWorkflow(context, workflowInput(one, plan)),
    {
      command: 'prepare workflow',
      done: (view) => {
        tools.acks.prepared(one);
        tools.acks.seen(one, view);
      },
    },
    3,
  );
  return response.kind === 'done' ? response.value : undefined;
}

/** The transaction that the client prepares. */
export const workflowInput = (one: Case, plan: WorkflowPlan): TransactionInput => ({
  gid: one.key.gid,
  pattern: 'workflow',
  workflowName: plan.name,
  workflowData: NO_BYTES,
  heartbeats: true,
  queryPrepared: urlOf(plan, 'clients', one.key.gid, '00', plan.name),
  options: optionsOf(plan),
});

async function goForward(
  client: Client,
  plan: WorkflowPlan,
  view: TransactionView,
): Promise<'done' | 'refused' | 'unclear'> {
  for (const { branchId } of plan.branches) {
    const recorded = view.branches.find((branch) => branch.branchId === branchId && branch.op === 'action')?.status;
    if (recorded === 'succeed') continue;
    if (recorded === 'failed') return 'refused';
    const { kind } = await client.callBranch(branchId, 'action');
    if (kind !== 'SUCCESS' && kind !== 'FAILURE') return 'unclear';
    await slowly(client, plan);
    await sendHeartbeat(client, plan);
    const noted = await record(client, branchId, 'action', kind === 'SUCCESS' ? 'succeed' : 'failed');
    if (noted.kind !== 'done') return 'unclear';
    if (kind === 'FAILURE') return 'refused';
  }
  return 'done';
}

/**
 * Undoes every step, including those that perhaps never ran: the barrier makes this harmless and
 * prevents them from running later.
 */
async function goBack(client: Client, plan: WorkflowPlan): Promise<void> {
  const { one, tools } = client;
  const abort = (engine: Engine, context: CallContext) => {
    one.requested.add('abort');
    return engine.abort(context, { gid: one.key.gid, pattern: 'workflow', reason: 'a step returned FAILURE' });
  };
  const aborted = await client.request('abort', abort, { command: 'abort', done: () => tools.acks.aborted(one) });
  if (aborted.kind !== 'done') return;
  for (const { branchId } of plan.branches.toReversed()) {
    if ((await client.callBranch(branchId, 'rollback')).kind !== 'SUCCESS') return;
    await slowly(client, plan);
    await sendHeartbeat(client, plan);
    if ((await record(client, branchId, 'rollback', 'succeed')).kind !== 'done') return;
  }
  await finish(client, 'failed');
}

function record(client: Client, branchId: string, op: string, status: BranchRegistration['status']) {
  const { one, tools } = client;
  return client.request(
    `record ${branchId} ${op} ${status}`,
    (engine, context) =>
      engine.registerBranch(context, {
        gid: one.key.gid,
        pattern: 'workflow',
        strict: true,
        branches: [{ branchId, op, url: '', payload: NO_BYTES, status }],
      }),
    { command: 'record', done: () => tools.acks.registered(one, [`branch:${branchId}:${op}`]) },
    4,
  );
}

function finish(client: Client, status: 'succeed' | 'failed') {
  const { one, tools } = client;
  return client.request(
    `finish: ${status}`,
    (engine, context) => {
      one.requested.add(`finish-${status}`);
      return engine.finishWorkflow(context, { gid: one.key.gid, status, rollbackReason: '', result: '' });
    },
    { command: `finish-${status}`, done: () => tools.acks.finished(one, status) },
    4,
  );
}
