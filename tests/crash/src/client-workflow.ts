import type { ClientSession } from './client-session.ts';
import type { ClientResponse } from './notes.ts';
import type { WorkflowPlan } from './plan.ts';
import type { RunResponse, RunRequest } from './workflow-initiator.ts';

/** An initiator may wait for a coordinator that is away, call by call. */
const RUN_TIMEOUT_MS = 20_000;

/** Has the workflow run by its initiator, which is in the participants' process. */
export async function runWorkflow(session: ClientSession<WorkflowPlan>): Promise<void> {
  const { plan, gid, tools } = session;
  const steps = plan.branches.map((branch) => ({
    branchId: branch.branchId,
    account: branch.account,
    amount: branch.amount,
    action: tools.urls.branch(gid, branch, 'action'),
    rollback: tools.urls.branch(gid, branch, 'rollback'),
  }));
  const { submission, callbackProtocol, diesBefore } = plan;
  const request: RunRequest = { input: { gid, submission, callbackProtocol, steps }, diesBefore };
  await session.repeat('run', async () => {
    const reply = await tools.participants.send(tools.urls.run, request, RUN_TIMEOUT_MS);
    return responseOf(reply?.code === 200 ? (JSON.parse(reply.text) as RunResponse) : { status: '' });
  });
}

function responseOf({ status, deniedAtMs }: RunResponse): ClientResponse {
  switch (status) {
    case 'succeed':
      return { outcome: 'success', status, waited: true };
    case 'failed':
    case 'aborting':
      return { outcome: 'refused', status, waited: true };
    case 'prepared':
      return { outcome: 'ongoing', status, waited: true };
    case '':
      return { outcome: 'unknown', status, waited: true, ...(deniedAtMs !== undefined && { deniedAtMs }) };
  }
}
