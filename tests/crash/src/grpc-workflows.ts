import grpc from '@grpc/grpc-js';
import { GrpcCaller, type GrpcEnd } from './grpc-caller.ts';
import { isDenied } from './grpc-coordinator-client.ts';
import { WORKFLOW_NAME } from './participant-urls.ts';
import { ParticipantsClient } from './participants-client.ts';
import { type Protocol, REQUEST_TIMEOUT_S, RETRY_INTERVAL_S } from './plan.ts';
import { DTM_METHODS, methodOf } from './published-services.ts';
import type { SecuredParticipants } from './secured/participants-security.ts';
import type { CallbackOutcome, RunRequest, RunResponse, WorkflowInput, WorkflowStep } from './workflow-initiator.ts';

const TIMEOUT_MS = 5_000;
const MOST_CONNECTIONS = 100;

type StepOp = 'action' | 'rollback';

/** What the coordinator has recorded: the status of an op of a step, by its name (`keyOf`). */
type Recorded = Map<string, string>;

/**
 * Workflows whose code calls `dtmgimp.Dtm` itself, in the way of dtm's clients: prepare, then
 * record the result of each step, then submit the final status. A run that learns no result ends,
 * and the coordinator calls back.
 */
export class GrpcWorkflows {
  readonly #coordinator: GrpcCaller;
  readonly #participants: ParticipantsClient;
  readonly #callbackUrls: Readonly<Record<Protocol, string>>;
  readonly #running = new Set<string>();

  constructor(
    coordinatorAddress: string,
    callbackUrls: Readonly<Record<Protocol, string>>,
    secured?: SecuredParticipants,
  ) {
    this.#coordinator = new GrpcCaller(coordinatorAddress, secured?.access);
    this.#participants = new ParticipantsClient(MOST_CONNECTIONS, REQUEST_TIMEOUT_S * 1000, secured?.ownCalls);
    this.#callbackUrls = callbackUrls;
  }

  run(request: RunRequest): Promise<RunResponse> {
    return this.#alone(request.input, () => this.#run(request));
  }

  async callback(input: WorkflowInput): Promise<CallbackOutcome> {
    const { status } = await this.#alone(input, () => this.#run({ input, diesBefore: input.steps.length }));
    if (status === 'succeed' || status === 'failed') return 'success';
    return status === '' ? 'unknown' : 'ongoing';
  }

  /** Only one run of a workflow at a time; another one ends at once. */
  async #alone({ gid }: WorkflowInput, run: () => Promise<RunResponse>): Promise<RunResponse> {
    if (this.#running.has(gid)) return { status: 'prepared' };
    this.#running.add(gid);
    try {
      return await run();
    } finally {
      this.#running.delete(gid);
    }
  }

  async #run({ input, diesBefore }: RunRequest): Promise<RunResponse> {
    const { gid, steps } = input;
    const prepared = await this.#prepare(input);
    if ('code' in prepared) return isDenied(prepared.code) ? { status: '', deniedAtMs: Date.now() } : { status: '' };
    if (prepared.status !== 'prepared') return { status: prepared.status };
    for (const [index, step] of steps.entries()) {
      if (index === diesBefore) return { status: 'prepared' };
      const status = await this.#step(gid, step, 'action', prepared.recorded);
      if (status === '') return { status: 'prepared' };
      if (status === 'failed') return this.#rollBack(gid, steps.slice(0, index), prepared.recorded);
    }
    return this.#finish(gid, 'succeed');
  }

  async #rollBack(gid: string, done: readonly WorkflowStep[], recorded: Recorded): Promise<RunResponse> {
    for (const step of done.toReversed())
      if ((await this.#step(gid, step, 'rollback', recorded)) !== 'succeed') return { status: 'prepared' };
    return this.#finish(gid, 'failed');
  }

  /** The recorded result of a step. Calls the step if there is none yet; empty: unknown. */
  async #step(gid: string, step: WorkflowStep, op: StepOp, recorded: Recorded): Promise<string> {
    const { branchId } = step;
    const known = recorded.get(keyOf(branchId, op));
    if (known !== undefined) return known;
    const result = await this.#participants.post({ url: step[op], id: { gid, branchId, op } }, step);
    if (result === 'unknown') return '';
    const status = result === 'success' ? 'succeed' : 'failed';
    const request = { Gid: gid, TransType: 'workflow', BranchID: branchId, Op: op, Data: { op, status } };
    const { code } = await this.#call('RegisterBranch', request);
    return code === grpc.status.OK ? status : '';
  }

  async #prepare(input: WorkflowInput): Promise<Prepared | Pick<GrpcEnd, 'code'>> {
    const { code, message } = await this.#call('PrepareWorkflow', {
      Gid: input.gid,
      TransType: 'workflow',
      TransOptions: { RetryInterval: RETRY_INTERVAL_S, RequestTimeout: REQUEST_TIMEOUT_S },
      CustomedData: JSON.stringify({
        name: WORKFLOW_NAME,
        data: Buffer.from(JSON.stringify(input)).toString('base64'),
      }),
      QueryPrepared: this.#callbackUrls[input.callbackProtocol],
    });
    if (code !== grpc.status.OK) return { code };
    const { Transaction, Progresses } = message as unknown as PreparedWorkflow;
    return {
      status: Transaction.Status,
      recorded: new Map(Progresses.map(({ BranchID, Op, Status }) => [keyOf(BranchID, Op), Status])),
    };
  }

  async #finish(gid: string, status: 'succeed' | 'failed'): Promise<RunResponse> {
    const { code } = await this.#call('Submit', { Gid: gid, TransType: 'workflow', ReqExtra: { status } });
    return { status: code === grpc.status.OK ? status : 'prepared' };
  }

  #call(method: string, request: object): Promise<GrpcEnd> {
    return this.#coordinator.call(methodOf(DTM_METHODS, method), request, TIMEOUT_MS);
  }
}

interface Prepared {
  readonly status: RunResponse['status'];
  readonly recorded: Recorded;
}

interface PreparedWorkflow {
  readonly Transaction: { readonly Status: RunResponse['status'] };
  readonly Progresses: readonly { readonly BranchID: string; readonly Op: string; readonly Status: string }[];
}

const keyOf = (branchId: string, op: string): string => `${branchId} ${op}`;
