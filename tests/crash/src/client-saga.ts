import type { ClientSession } from './client-session.ts';
import { REQUEST_TIMEOUT_S, RETRY_INTERVAL_S, RETRY_LIMIT, TIMEOUT_TO_FAIL_S, type SagaPlan } from './plan.ts';

/** Submits the saga, and leaves the rest to the coordinator. */
export async function runSaga(session: ClientSession<SagaPlan>): Promise<void> {
  const { plan, gid, tools } = session;
  await session.call('submit', {
    steps: plan.branches.map((branch) => ({
      action: tools.urls.branch(gid, branch, 'action'),
      compensate: tools.urls.branch(gid, branch, 'compensate'),
    })),
    payloads: plan.branches.map(({ account, amount }) => JSON.stringify({ account, amount })),
    wait_result: plan.waitResult,
    retry_interval: RETRY_INTERVAL_S,
    request_timeout: REQUEST_TIMEOUT_S,
    ...(plan.flavour === 'timeout' ? { timeout_to_fail: TIMEOUT_TO_FAIL_S } : {}),
    ...(plan.flavour === 'limited' ? { retry_limit: RETRY_LIMIT } : {}),
    ...(plan.concurrent ? { concurrent: true } : {}),
    ...(plan.concurrent ? { custom_data: JSON.stringify({ orders: plan.orders, concurrent: true }) } : {}),
  });
}
