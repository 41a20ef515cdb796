import { setTimeout as delay } from 'node:timers/promises';
import type { ClientSession } from './client-session.ts';
import type { DtmBody } from './dtm-body.ts';
import { REQUEST_TIMEOUT_S, RETRY_INTERVAL_S, TIMEOUT_TO_FAIL_S, type MessagePlan } from './plan.ts';

/** The time from the first check-back to the local commit of a sender of the flavour `late`. */
const LATE_BY_MS = 1_500;

/**
 * Prepares the message, commits the sender's local transaction and submits the message, or only a
 * part of this, depending on the flavour.
 */
export async function runMessage(session: ClientSession<MessagePlan>): Promise<void> {
  const { plan } = session;
  const message = messageOf(session);
  if (plan.flavour === 'direct') {
    await session.call('submit', { ...message, wait_result: plan.waitResult });
    return;
  }

  const prepared = await session.call('prepare', message);
  if (prepared.outcome !== 'success' || plan.flavour === 'silent') return;
  if (plan.flavour === 'abort') {
    await session.call('abort', { rollback_reason: 'the sender' });
    return;
  }

  if (plan.flavour === 'late') await delay(TIMEOUT_TO_FAIL_S * 1000 + LATE_BY_MS);
  const committed = await commitLocal(session);
  if (committed && plan.flavour !== 'dies') await session.call('submit', { ...message, wait_result: plan.waitResult });
}

function messageOf({ plan, gid, tools }: ClientSession<MessagePlan>): Partial<DtmBody> {
  return {
    steps: plan.branches.map((branch) => ({ action: tools.urls.branch(gid, branch, 'action') })),
    payloads: plan.branches.map(({ account, amount }) => JSON.stringify({ account, amount })),
    query_prepared: tools.urls.check(gid, plan.checkFault, plan.checkProtocol),
    retry_interval: RETRY_INTERVAL_S,
    request_timeout: REQUEST_TIMEOUT_S,
    timeout_to_fail: TIMEOUT_TO_FAIL_S,
    ...(plan.concurrent ? { concurrent: true } : {}),
  };
}

async function commitLocal({ plan, gid, tools }: ClientSession<MessagePlan>): Promise<boolean> {
  return (await tools.participants.post(tools.urls.local(gid), plan.sender)) === 'success';
}
