import type { BranchCallContext } from '@holdfast/client/node-http';
import { GrpcWorkflows } from './grpc-workflows.ts';
import { CALL_BACK_PATH, type ParticipantAddresses } from './participant-urls.ts';
import type { Protocol } from './plan.ts';
import { WORKFLOW_EXECUTE } from './published-services.ts';
import { SdkWorkflows } from './sdk-workflows.ts';
import type { SecuredParticipants } from './secured/participants-security.ts';
import type { Subject } from './subject.ts';

/** What the workflow's code is given, in every run of it. */
export interface WorkflowInput {
  readonly gid: string;
  /** The protocol of the initiator's calls to the coordinator. */
  readonly submission: Protocol;
  readonly callbackProtocol: Protocol;
  readonly steps: readonly WorkflowStep[];
}

export interface WorkflowStep {
  readonly branchId: string;
  readonly account: string;
  readonly amount: number;
  /** URLs of the branch. */
  readonly action: string;
  readonly rollback: string;
}

/** A client's request. */
export interface RunRequest {
  readonly input: WorkflowInput;
  /** The first run ends before the step with this index, as if its process had died. */
  readonly diesBefore: number;
}

/** The transaction's status that the run ended with; empty if unknown. */
export interface RunResponse {
  readonly status: 'succeed' | 'failed' | 'aborting' | 'prepared' | '';
  /** The coordinator rejected the initiator's token then, ms since the epoch. */
  readonly deniedAtMs?: number;
}

/** The response to a callback. */
export type CallbackOutcome = 'success' | 'ongoing' | 'unknown';

/**
 * Initiates workflows as applications do, with nothing but the coordinator to remember what was
 * done: through the SDK, which calls the coordinator over HTTP, or as clients of dtm do over gRPC.
 */
export class WorkflowInitiator {
  /** By the protocol of their callbacks. */
  readonly #sdk: Readonly<Record<Protocol, SdkWorkflows>>;
  readonly #grpc: GrpcWorkflows;

  /** @param secured undefined: neither TLS nor a token nor signatures */
  constructor(
    coordinator: Pick<Subject, 'origin' | 'grpcAddress'>,
    own: ParticipantAddresses,
    secured?: SecuredParticipants,
  ) {
    const callbackUrls = {
      http: own.origin + CALL_BACK_PATH,
      grpc: own.grpcAddress + WORKFLOW_EXECUTE.path,
    };
    this.#sdk = {
      http: new SdkWorkflows(coordinator.origin, callbackUrls.http, secured),
      grpc: new SdkWorkflows(coordinator.origin, callbackUrls.grpc, secured),
    };
    this.#grpc = new GrpcWorkflows(coordinator.grpcAddress, callbackUrls, secured);
  }

  /** Runs the workflow until it has finished, or cannot continue in this run. */
  run(request: RunRequest): Promise<RunResponse> {
    const { submission, callbackProtocol } = request.input;
    return submission === 'grpc' ? this.#grpc.run(request) : this.#sdk[callbackProtocol].run(request);
  }

  /** What the coordinator calls back for, over this protocol. */
  callback(call: BranchCallContext<WorkflowInput>, protocol: Protocol): Promise<CallbackOutcome> {
    return call.payload.submission === 'grpc' ? this.#grpc.callback(call.payload) : this.#sdk[protocol].callback(call);
  }
}
