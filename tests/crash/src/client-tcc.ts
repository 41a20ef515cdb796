import type { ClientSession } from './client-session.ts';
import { REQUEST_TIMEOUT_S, RETRY_INTERVAL_S, TIMEOUT_TO_FAIL_S, type BranchPlan, type TccPlan } from './plan.ts';

/** How the client proceeds after one of its steps. `stop`: the client makes no further call. */
type Next = 'continue' | 'abort' | 'stop';

/** Prepares, registers and tries every branch, then submits or aborts. */
export async function runTcc(session: ClientSession<TccPlan>): Promise<void> {
  const options = {
    retry_interval: RETRY_INTERVAL_S,
    request_timeout: REQUEST_TIMEOUT_S,
    timeout_to_fail: TIMEOUT_TO_FAIL_S,
  };
  const prepared = await session.call('prepare', options);
  if (prepared.outcome !== 'success') return;

  const next = await tryAll(session);
  if (next === 'stop') return;
  if (next === 'abort' || session.plan.flavour === 'abort')
    await session.call('abort', { rollback_reason: 'the client' });
  else await session.call('submit', { ...options, wait_result: session.plan.waitResult });
}

async function tryAll(session: ClientSession<TccPlan>): Promise<Next> {
  let left = session.plan.diesAfter - 1;
  if (left <= 0) return 'stop';
  for (const branch of session.plan.branches) {
    for (const step of [register, tryBranch]) {
      const next = await step(session, branch);
      if (next !== 'continue') return next;
      left -= 1;
      if (left <= 0) return 'stop';
    }
  }
  return 'continue';
}

async function register(session: ClientSession<TccPlan>, branch: BranchPlan): Promise<Next> {
  const { gid, tools } = session;
  const { account, amount, branchId } = branch;
  const response = await session.call('registerBranch', {
    branch_id: branchId,
    data: JSON.stringify({ account, amount }),
    confirm: tools.urls.branch(gid, branch, 'confirm'),
    cancel: tools.urls.branch(gid, branch, 'cancel'),
  });
  if (response.outcome === 'success') return 'continue';
  return response.outcome === 'refused' ? 'abort' : 'stop';
}

async function tryBranch({ gid, tools }: ClientSession<TccPlan>, branch: BranchPlan): Promise<Next> {
  const tried = await tools.participants.post(tools.urls.ownCall(gid, branch, 'try'), branch);
  return tried === 'success' ? 'continue' : 'abort';
}
