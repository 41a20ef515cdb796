import {
  isFinal,
  resultOfThrown,
  type SubmitRequest,
  type TransactionDetails,
  type TransactionReply,
  type TransactionRequest,
  type TransactionSummary,
} from '@holdfast/protocol';
import type { ApiResponse, Api, ApiCall } from './api/api.ts';
import { type CallEnd, callEnd, waitEnd } from './api/call-end.ts';
import { unlessAborted } from './api/unless-aborted.ts';
import { CoordinatorUnreachable, inDoubt, RequestRejected } from './errors.ts';
import type { CallOptions, SubmitOptions } from './options.ts';
import { seenOrThrow, deadlineIn, waitUntilFinal } from './outcome.ts';
import { checkWait } from './wait-option.ts';
import type { WorkInProgress } from './work-in-progress.ts';

/** The parts of a client that its sagas and messages share. */
export interface SubmissionContext {
  readonly api: Api;
  readonly waitTimeoutMs: number;
  /** Set for a client whose shutdown waits for what is in progress. */
  readonly work?: WorkInProgress | undefined;
}

/**
 * The submission of one transaction, which may be repeated: if an earlier response was lost, the
 * coordinator may reject the repetition because the transaction has progressed, and its current
 * outcome is then returned.
 */
export class Submission {
  readonly #context: SubmissionContext;
  /** A call was sent without a response: the transaction may exist. */
  #doubtful = false;
  /** The transaction exists, or may exist. */
  #mayExist = false;

  constructor(context: SubmissionContext) {
    this.#context = context;
  }

  /** Creates the transaction as prepared. */
  async prepare(request: TransactionRequest & { readonly gid: string }, options: CallOptions = {}): Promise<void> {
    const end = callEnd(options);
    const prepared = async (): Promise<void> => {
      this.#context.work?.assertOpen(request.gid);
      const response = await this.#send((call) => this.#context.api.createTransaction({ body: request }, call), end);
      if (response.ok) return;
      // The transaction of another process, whose first phase must not be continued here, unless
      // an earlier attempt of this call created it.
      if (!response.repeated) throw response.rejection;
      await this.#ownOrThrow(request, response, end);
    };
    return unlessAborted(this.#known(prepared), end.signal);
  }

  /**
   * Creates the transaction as submitted, and waits for its end if requested. One gid is one
   * transaction: if it exists already, its outcome is returned, whichever process submitted it.
   */
  async submit(
    request: TransactionRequest & { readonly gid: string },
    options: SubmitOptions = {},
  ): Promise<TransactionSummary> {
    const seen = await this.#seen(
      options,
      (call) => {
        this.#context.work?.assertOpen(request.gid);
        return this.#context.api.createTransaction({ body: request }, call);
      },
      (response, end) => this.#ownOrThrow(request, response, end),
    );
    return this.orThrow(seen, options);
  }

  /**
   * Submits a prepared transaction. It is not an error if the coordinator has already checked back
   * and decided.
   *
   * @param request names the branches that this run of a tcc or xa called
   */
  async submitPrepared(
    gid: string,
    options: SubmitOptions = {},
    request: SubmitRequest = {},
  ): Promise<TransactionSummary> {
    return this.orThrow(await this.decide(gid, request, options), options);
  }

  /** As `submitPrepared`, but resolves to the transaction in any status. */
  decide(gid: string, request: SubmitRequest, options: SubmitOptions): Promise<TransactionSummary> {
    return this.#seen(
      options,
      async (call) => {
        const response = await this.#context.api.submitTransaction({ gid, body: request }, call);
        // A coordinator of the previous version rejects unknown fields.
        if (response.ok || response.rejection.rejection !== 'invalid' || request.run === undefined) return response;
        const { run: _run, ...earlier } = request;
        return this.#context.api.submitTransaction({ gid, body: earlier }, call);
      },
      async ({ rejection }, end) => {
        // With a field: another run submitted other branches.
        if (rejection.status === undefined || rejection.field !== undefined) throw rejection;
        return this.#read(gid, rejection, end);
      },
    );
  }

  /**
   * Abandons a prepared transaction, on behalf of the code that prepared it, and resolves to its
   * state. Abandoning it again is not an error.
   *
   * @param thrown the error whose message becomes the rollback reason
   * @throws {RequestRejected} the transaction was submitted, or does not exist
   */
  async abandon(
    gid: string,
    thrown: unknown,
    { callTimeoutMs }: Pick<CallOptions, 'callTimeoutMs'> = {},
  ): Promise<TransactionSummary> {
    const { reason } = resultOfThrown(thrown);
    // The signal does not end it.
    const end = callEnd(callTimeoutMs === undefined ? {} : { callTimeoutMs });
    const response = await this.#context.api.abortTransaction({ gid, body: { reason, by: 'initiator' } }, end);
    return response.ok ? response.value : this.#abandonedOrThrow(gid, response, end);
  }

  /** Throws unless the transaction succeeded, or is in progress and the options do not wait. */
  orThrow(seen: TransactionSummary, options: SubmitOptions): TransactionSummary {
    return seenOrThrow(this.#context.api, seen, isWaited(options));
  }

  /** With `wait`, waits until the transaction is final; resolves to its state then. */
  async untilFinal(seen: TransactionSummary, options: SubmitOptions): Promise<TransactionSummary> {
    if (!isWaited(options)) return seen;
    const end = callEnd(options);
    const waited = this.#known(() => this.#untilFinal(seen, this.#waitEndOf(options), end));
    return unlessAborted(waited, end.signal);
  }

  async #abandonedOrThrow(gid: string, { rejection }: Refusal, end: CallEnd): Promise<TransactionDetails> {
    const { status } = rejection;
    if (status !== 'aborting' && status !== 'failed') throw rejection;
    return this.#read(gid, rejection, end);
  }

  /** Waits until a submitted transaction is final. */
  async wait(gid: string, options: SubmitOptions): Promise<TransactionSummary> {
    const { api } = this.#context;
    return seenOrThrow(api, await waitUntilFinal(api, gid, this.#waitEndOf(options), callEnd(options)), true);
  }

  async #seen(
    options: SubmitOptions,
    send: (call: ApiCall) => Promise<ApiResponse<TransactionReply>>,
    resolveRefusal: (response: Refusal, end: CallEnd) => Promise<TransactionDetails>,
  ): Promise<TransactionSummary> {
    checkWait(options);
    const end = callEnd(options);
    const waitUntilMs = isWaited(options) ? this.#waitEndOf(options) : undefined;
    const finished = async (): Promise<TransactionSummary> => {
      const response = await this.#send(send, waitUntilMs === undefined ? end : { ...end, waitUntilMs });
      const seen = response.ok ? response.value : await resolveRefusal(response, end);
      return waitUntilMs === undefined ? seen : this.#untilFinal(seen, waitUntilMs, end);
    };
    return unlessAborted(this.#known(finished), end.signal);
  }

  /** When a wait that begins now ends. */
  #waitEndOf({ wait, callTimeoutMs }: SubmitOptions): number {
    const timeoutMs = typeof wait === 'object' ? wait.timeoutMs : this.#context.waitTimeoutMs;
    return waitEnd(deadlineIn(timeoutMs), callTimeoutMs);
  }

  async #untilFinal(seen: TransactionSummary, waitUntilMs: number, end: CallEnd): Promise<TransactionSummary> {
    if (isFinal(seen.status) || seen.parked !== '' || performance.now() >= waitUntilMs) return seen;
    return waitUntilFinal(this.#context.api, seen.gid, waitUntilMs, end, seen);
  }

  async #send(
    send: (call: ApiCall) => Promise<ApiResponse<TransactionReply>>,
    call: ApiCall,
  ): Promise<ApiResponse<TransactionReply>> {
    try {
      const response = await send(call);
      this.#mayExist ||= response.ok || response.rejection.status !== undefined;
      return response.ok ? response : { ...response, repeated: response.repeated || this.#doubtful };
    } catch (error) {
      if (!(error instanceof CoordinatorUnreachable && error.outcome === 'not_started')) {
        this.#doubtful = true;
        this.#mayExist = true;
      }
      throw error;
    }
  }

  /** Runs a call; its error does not state `not_started` if the transaction may exist. */
  async #known<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw this.#mayExist ? inDoubt(error) : error;
    }
  }

  /**
   * Resolves to the existing transaction with the gid, if the request describes the same one;
   * otherwise throws the rejection.
   */
  async #ownOrThrow(
    request: TransactionRequest & { readonly gid: string },
    { rejection, repeated }: Refusal,
    end: CallEnd,
  ): Promise<TransactionDetails> {
    const isRefused = rejection.rejection === 'refused';
    // The coordinator compares the contents, and names the field that differs. Its other rules may
    // have changed since an earlier attempt created the transaction.
    if (isRefused ? rejection.field !== undefined : !repeated) throw rejection;
    const details = await this.#read(request.gid, rejection, end);
    if (isSame(details, request)) return details;
    if (!isRefused) throw rejection;
    throw new RequestRejected('exists', `Gid ${request.gid} belongs to another transaction: choose another gid.`, {
      gid: request.gid,
      status: details.status,
    });
  }

  async #read(gid: string, rejection: RequestRejected, end: CallEnd): Promise<TransactionDetails> {
    const response = await this.#context.api.getTransaction({ gid }, { endsMs: end.endsMs });
    if (!response.ok) throw rejection;
    return response.value;
  }
}

/** Whether the caller waits for the end of the transaction. */
export const isWaited = ({ wait }: SubmitOptions): boolean => wait !== undefined && wait !== false;

type Refusal = Extract<ApiResponse<unknown>, { readonly ok: false }>;

/**
 * Whether pattern and actions are equal. Coordinators of the previous version compare nothing, and
 * no more can be compared here. The branches of a topic are its subscribers, so a message with a
 * topic is identified by its pattern alone.
 */
function isSame(details: TransactionDetails, request: TransactionRequest): boolean {
  if (details.pattern !== request.pattern) return false;
  const requested = (request.steps ?? []).map((step) => step.action);
  if (requested.some((url) => url.startsWith('topic://'))) return true;
  const found = details.branches.filter((branch) => branch.op === 'action').map((branch) => branch.url);
  return found.length === requested.length && found.every((url, index) => url === requested[index]);
}
