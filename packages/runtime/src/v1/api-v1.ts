import { type CallContext, TOPICS, type TransactionInput, type TransactionView } from '@holdfast/core';
import {
  abortRequest,
  HoldfastError,
  isFinal,
  type NodeList,
  type NodeStatus,
  parkRequest,
  type Pattern,
  type Status,
  stopRequest,
  submitRequest,
  subscriberRequest,
  type TopicPage,
  type TransactionDetails,
  type TransactionPage,
  type TransactionReply,
  workflowEnd,
  type WorkflowProgress,
} from '@holdfast/protocol';
import type { Handlers } from '../handlers/table.ts';
import { defined } from '../reading/defined.ts';
import { invalid, parse } from '../reading/parse.ts';
import { mapInTurns } from '../reading/in-turns.ts';
import { DEFAULT_PAGE_SIZE, QueryReader } from '../reading/query-reader.ts';
import { readRegistration } from './read-branch.ts';
import { readCreation, readListQuery } from './read-request.ts';
import { writeTopics } from './write-topics.ts';
import { writeDetails, writeNodes, writeProgress, writeReply, writeStatus, writeSummary } from './write-view.ts';

/**
 * The behaviour of Holdfast's own API (`@holdfast/protocol`, api-v1), independent of the transport:
 * the server's routes and the embedding SDK both use this class, so that both check, name and
 * respond alike. Bodies are parsed JSON values; errors are `HoldfastError`.
 *
 * `waitMs`: respond when the transaction is finished, or after this time with its current state; 0:
 * at once.
 */
export class ApiV1 {
  readonly #handlers: Handlers;

  constructor(handlers: Handlers) {
    this.#handlers = handlers;
  }

  async create(context: CallContext, body: unknown, waitMs: number): Promise<TransactionReply> {
    const { status, input: read } = readCreation(body);
    const input = read.gid === '' ? { ...read, gid: await this.#handlers.newGid(context, undefined) } : read;
    // Checked before the change: a caller that cannot wait must not start the transaction.
    if (waitMs > 0) await this.#handlers.assertMayWait(context, input.gid);
    const view = await this.#viewAfter(context, input.gid, waitMs, await this.#create(context, status, input));
    return { ...writeReply(view), ...this.#heartbeat(view) };
  }

  #heartbeat(view: TransactionView): { readonly heartbeatMs?: number } {
    const sendsHeartbeats = view.pattern === 'workflow' && !isFinal(view.status);
    return sendsHeartbeats ? { heartbeatMs: this.#handlers.heartbeatPeriodMs(view) } : {};
  }

  async #create(context: CallContext, status: Status, input: TransactionInput): Promise<TransactionView> {
    // Starting a workflow again returns the existing one, also if it is finished: its code receives
    // the outcome.
    if (input.pattern === 'workflow') return this.#handlers.prepareWorkflow(context, { ...input, heartbeats: true });
    if (status === 'prepared') return this.#handlers.prepare(context, input);
    return (await this.#handlers.submit(context, input)).view();
  }

  /**
   * Changes a prepared transaction to submitted.
   * @param body optional
   */
  async submit(context: CallContext, gid: string, body: unknown, waitMs: number): Promise<TransactionReply> {
    const { branches, run } = body === undefined ? {} : parse(submitRequest, body);
    const { pattern, status } = await this.#mustGet(context, gid);
    if (pattern === 'workflow')
      throw new HoldfastError('refused', `${gid} is a workflow: its own code ends it`, { gid, status });
    if (branches !== undefined && pattern !== 'tcc' && pattern !== 'xa')
      throw invalid(gid, 'branches', `the branches of a ${pattern} are its steps; leave them out`);
    if (run !== undefined && (pattern !== 'tcc' || branches === undefined))
      throw invalid(gid, 'run', 'only a tcc that states its branches states its run; leave it out');
    if (waitMs > 0) await this.#handlers.assertMayWait(context, gid);
    const named = { ...defined({ branches }), ...defined({ run }) };
    const submitted = await this.#handlers.submitPrepared(context, { gid, pattern, ...named });
    return writeReply(await this.#viewAfter(context, gid, waitMs, submitted));
  }

  async get(context: CallContext, gid: string, waitMs: number): Promise<TransactionDetails> {
    return writeDetails(await this.#view(context, gid, waitMs));
  }

  async list(context: CallContext, query: URLSearchParams): Promise<TransactionPage> {
    const page = await this.#handlers.list(context, { ...readListQuery(new QueryReader(query)), summary: true });
    return { items: await mapInTurns(page.items, writeSummary), next: page.next };
  }

  async registerBranch(context: CallContext, gid: string, body: unknown): Promise<void> {
    const { pattern, branches } = readRegistration(body);
    assertPattern(await this.#mustGet(context, gid), pattern);
    try {
      await this.#handlers.registerBranch(context, { gid, pattern, branches, strict: true });
    } catch (error) {
      throw pattern === 'tcc' ? aboutPayload(HoldfastError.from(error)) : error;
    }
  }

  async progress(context: CallContext, gid: string): Promise<WorkflowProgress> {
    const view = await this.#mustGet(context, gid);
    assertPattern(view, 'workflow');
    return { ...(await writeProgress(view)), ...this.#heartbeat(view) };
  }

  /** A workflow's code is running: no callback before the workflow's interval has passed. */
  async heartbeat(context: CallContext, gid: string): Promise<void> {
    await this.#handlers.heartbeat(context, gid);
  }

  /** Finishes a workflow. */
  async finish(context: CallContext, gid: string, body: unknown): Promise<TransactionReply> {
    const { status, reason, result = '' } = parse(workflowEnd, body);
    if (status === 'succeed' && reason !== undefined)
      throw invalid(gid, 'reason', 'tells why a workflow failed, and this one succeeds');
    const end = { gid, status, rollbackReason: reason ?? '', result };
    const ended = await this.#handlers.finishWorkflow(context, end);
    return writeReply(await this.#viewAfter(context, gid, 0, ended));
  }

  /** Parks a workflow whose code cannot continue without operator attention. */
  async park(context: CallContext, gid: string, body: unknown): Promise<TransactionReply> {
    const { reason } = parse(parkRequest, body);
    const parked = await this.#handlers.parkWorkflow(context, { gid, reason });
    return writeReply(await this.#viewAfter(context, gid, 0, parked));
  }

  /** @param body optional */
  async abort(context: CallContext, gid: string, body: unknown, waitMs: number): Promise<TransactionDetails> {
    const { reason, by = 'operator' } = body === undefined ? {} : parse(abortRequest, body);
    const byOperator = by === 'operator';
    const why = reason ?? `aborted by ${byOperator ? 'an' : 'its'} ${by}`;
    if (waitMs > 0) await this.#handlers.assertMayWait(context, gid);
    const aborted = await this.#handlers.abort(context, { gid, reason: why, byOperator });
    return writeDetails(await this.#viewAfter(context, gid, waitMs, aborted));
  }

  async retry(context: CallContext, gid: string, waitMs: number): Promise<TransactionDetails> {
    if (waitMs > 0) await this.#handlers.assertMayWait(context, gid);
    const retried = await this.#handlers.retryNow(context, gid);
    return writeDetails(await this.#viewAfter(context, gid, waitMs, retried));
  }

  /** @param body optional */
  async stop(context: CallContext, gid: string, body: unknown, waitMs: number): Promise<TransactionDetails> {
    const { reason = '' } = body === undefined ? {} : parse(stopRequest, body);
    if (waitMs > 0) await this.#handlers.assertMayWait(context, gid);
    const stopped = await this.#handlers.forceStop(context, { gid, reason });
    return writeDetails(await this.#viewAfter(context, gid, waitMs, stopped));
  }

  async topics(context: CallContext, query: URLSearchParams): Promise<TopicPage> {
    const reader = new QueryReader(query);
    const page = await this.#handlers.scanKeyValues(context, {
      category: TOPICS,
      limit: reader.count('limit') || DEFAULT_PAGE_SIZE,
      ...defined({ cursor: reader.text('cursor') || undefined }),
    });
    return { items: await writeTopics(page.items), next: page.next };
  }

  async subscribe(context: CallContext, topic: string, body: unknown): Promise<void> {
    const { url, remark } = parse(subscriberRequest, body);
    await this.#handlers.subscribe(context, { topic, url, remark: remark ?? '' });
  }

  async unsubscribe(context: CallContext, topic: string, url: string): Promise<void> {
    await this.#handlers.unsubscribe(context, { topic, url });
  }

  async deleteTopic(context: CallContext, topic: string): Promise<void> {
    await this.#handlers.deleteTopic(context, topic);
  }

  async nodes(context: CallContext): Promise<NodeList> {
    return writeNodes(await this.#handlers.nodes(context, undefined));
  }

  async status(context: CallContext): Promise<NodeStatus> {
    return writeStatus(await this.#handlers.status(context, undefined));
  }

  async #view(context: CallContext, gid: string, waitMs: number): Promise<TransactionView> {
    return waitMs > 0 ? this.#handlers.wait(context, { gid, timeoutMs: waitMs }) : this.#mustGet(context, gid);
  }

  /**
   * As `#view`, after a durable change. If the transaction cannot be read or waited for, the change
   * has still succeeded: an error would make the caller repeat it, without a gid as another
   * transaction.
   */
  async #viewAfter(
    context: CallContext,
    gid: string,
    waitMs: number,
    changed: TransactionView,
  ): Promise<TransactionView> {
    // A parked transaction does not finish before an operator retries it.
    const isParked = changed.state.parked !== '' && !isFinal(changed.status);
    try {
      return await this.#view(context, gid, isParked ? 0 : waitMs);
    } catch (error) {
      if (HoldfastError.from(error).code === 'internal') throw error;
      return changed;
    }
  }

  async #mustGet(context: CallContext, gid: string): Promise<TransactionView> {
    const view = await this.#handlers.get(context, gid);
    if (view === undefined) throw new HoldfastError('not_found', `there is no transaction with gid ${gid}`, { gid });
    return view;
  }
}

/** The field is `data` for a step of a workflow, and `payload` for a branch of a tcc. */
function aboutPayload(error: HoldfastError): HoldfastError {
  const { code, message, gid = '', field } = error;
  return field === 'data'
    ? new HoldfastError(code, message.replace('data', 'payload'), { gid, field: 'payload' })
    : error;
}

/** A branch of another pattern would be stored and never called. */
function assertPattern({ gid, pattern, status }: TransactionView, expected: Pattern): void {
  if (pattern !== expected)
    throw new HoldfastError('wrong_pattern', `${gid} is a ${pattern}, not a ${expected}`, {
      gid,
      field: 'pattern',
      status,
    });
}
