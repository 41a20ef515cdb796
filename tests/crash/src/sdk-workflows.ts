import {
  connect,
  type ConnectOptions,
  type Flow,
  type Holdfast,
  RequestRejected,
  TransactionFailed,
  TransactionPending,
  type Workflow,
} from '@holdfast/client';
import { type BranchCallContext, BranchOngoing } from '@holdfast/client/node-http';
import { WORKFLOW_NAME } from './participant-urls.ts';
import { REQUEST_TIMEOUT_S, RETRY_INTERVAL_S } from './plan.ts';
import type { SecuredParticipants } from './secured/participants-security.ts';
import type { CallbackOutcome, RunRequest, RunResponse, WorkflowInput } from './workflow-initiator.ts';

/** Workflows that are initiated through the SDK. */
export class SdkWorkflows {
  readonly #holdfast: Holdfast;
  readonly #workflow: Workflow<WorkflowInput, void>;
  /** First runs that are to end early. */
  readonly #dying = new Map<string, { readonly before: number; readonly end: AbortController }>();

  constructor(coordinatorOrigin: string, callbackUrl: string, secured?: SecuredParticipants) {
    this.#holdfast = connect(coordinatorOrigin, secured === undefined ? {} : connectOptions(secured));
    const options = {
      version: 1,
      callbackUrl,
      retryIntervalMs: RETRY_INTERVAL_S * 1000,
      requestTimeoutMs: REQUEST_TIMEOUT_S * 1000,
    };
    this.#workflow = this.#holdfast.workflow(WORKFLOW_NAME, options, (flow, input: WorkflowInput) =>
      this.#transfer(flow, input),
    );
  }

  async #transfer(flow: Flow, { gid, steps }: WorkflowInput): Promise<void> {
    for (const [index, { branchId, account, amount, action, rollback }] of steps.entries()) {
      const dying = this.#dying.get(gid);
      if (dying?.before === index) dying.end.abort(new Error('the initiator dies'));
      await flow.call(branchId, { action, compensate: rollback, payload: { account, amount }, parse: () => undefined });
    }
  }

  async run({ input, diesBefore }: RunRequest): Promise<RunResponse> {
    const end = new AbortController();
    this.#dying.set(input.gid, { before: diesBefore, end });
    try {
      await this.#workflow.run(input, { gid: input.gid, signal: end.signal });
      return { status: 'succeed' };
    } catch (error) {
      // The workflow's code ran, so the coordinator has the transaction.
      if (end.signal.aborted) return { status: 'prepared' };
      if (error instanceof TransactionFailed) return { status: error.status };
      if (error instanceof TransactionPending) return { status: 'prepared' };
      return isDenied(error) ? { status: '', deniedAtMs: Date.now() } : { status: '' };
    } finally {
      this.#dying.delete(input.gid);
    }
  }

  async callback(call: BranchCallContext): Promise<CallbackOutcome> {
    try {
      await this.#holdfast.runCallback(call);
      return 'success';
    } catch (error) {
      return error instanceof BranchOngoing ? 'ongoing' : 'unknown';
    }
  }
}

const connectOptions = ({ access, signingKey }: SecuredParticipants): ConnectOptions => ({
  token: access.token,
  tls: { ca: access.ca },
  signingKeys: [signingKey],
});

function isDenied(error: unknown): boolean {
  return error instanceof RequestRejected && ['unauthenticated', 'forbidden'].includes(error.rejection);
}
