import { setTimeout as delay } from 'node:timers/promises';
import type { CoordinatorClient } from './coordinator-client.ts';
import type { DtmBody } from './dtm-body.ts';
import type { GrpcCoordinatorClient } from './grpc-coordinator-client.ts';
import type { LineWriter } from './journal.ts';
import type { ClientResponse, ClientCall, CoordinatorCall, Note } from './notes.ts';
import type { ParticipantsClient } from './participants-client.ts';
import type { ParticipantUrls } from './participant-urls.ts';
import type { Plan } from './plan.ts';

/** What every client works with. */
export interface ClientTools {
  readonly coordinator: CoordinatorClient;
  /** The same coordinator, over gRPC. */
  readonly grpcCoordinator: GrpcCoordinatorClient;
  readonly participants: ParticipantsClient;
  readonly urls: ParticipantUrls;
  readonly notes: LineWriter<Note>;
  /** Length of the participants' journal now. */
  readonly journalBytes: () => number;
  /**
   * How long a patient client repeats a call without a response: long enough to outlast a restart.
   */
  readonly patienceMs: number;
  /** Aborted when clients are to stop repeating calls. */
  readonly patience: AbortSignal;
}

/**
 * Many clients knock at a coordinator that is down; they must not take the machine from the one
 * that starts.
 */
const ATTEMPT_GAP_MS = 250;

/** One client with one transaction. */
export class ClientSession<P extends Plan = Plan> {
  readonly gid: string;
  readonly plan: P;
  readonly tools: ClientTools;

  constructor(gid: string, plan: P, tools: ClientTools) {
    this.gid = gid;
    this.plan = plan;
    this.tools = tools;
  }

  /** As `call`, for requests to other services than the coordinator. `attempt` never throws. */
  async repeat(call: ClientCall, attempt: () => Promise<ClientResponse>): Promise<ClientResponse> {
    const deadlineMs = performance.now() + this.tools.patienceMs;
    for (let repeated = false; ; repeated = true) {
      const response = await attempt();
      const journalBytes = this.tools.journalBytes();
      this.tools.notes.append({ kind: 'responded', gid: this.gid, call, response, repeated, journalBytes });
      const abandons = this.plan.impatient || this.tools.patience.aborted || performance.now() > deadlineMs;
      if (response.outcome !== 'unknown' || abandons) return response;
      await delay(ATTEMPT_GAP_MS);
    }
  }

  /** Calls the coordinator, repeatedly unless the plan is impatient, and records every response. */
  call(call: CoordinatorCall, body: Partial<DtmBody>): Promise<ClientResponse> {
    const waited = call === 'submit' && this.plan.waitResult;
    const whole = { gid: this.gid, trans_type: this.plan.pattern, ...body };
    const { coordinator, grpcCoordinator } = this.tools;
    const client = this.plan.submission === 'grpc' ? grpcCoordinator : coordinator;
    return this.repeat(call, () => client.post(call, whole, waited));
  }
}
