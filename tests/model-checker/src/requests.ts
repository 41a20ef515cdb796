import type { HoldfastError } from '@holdfast/protocol';
import { encodeRegistration, type Reply } from '@holdfast/core/parts';
import type { TransactionEvent } from '@holdfast/core/patterns';
import type { Judge, Reason } from './judge.ts';
import type { ModelNode } from './model-node.ts';
import { inputOf, OPS, RETRY_INTERVAL_MS, type Scenario } from './scenario.ts';
import type { SharedStore } from './shared-store.ts';

/**
 * The outcome of a request for its caller. `unclear`: unknown; the caller may send the request
 * again.
 */
export type Outcome = 'done' | 'refused' | 'unclear';

type Acknowledged = Parameters<Judge['acknowledged']>[0];

const NO_BYTES = new Uint8Array(0);
const MAX_REGISTERED = 1_000;

/**
 * Delivers requests of clients and operators to a node, and judges each response when it is given.
 */
export class Requests {
  /** Requests without a response yet. */
  readonly open = new Set<{ readonly node: ModelNode; readonly what: string }>();
  readonly #scenario: Scenario;
  readonly #judge: Judge;
  readonly #store: SharedStore;

  constructor(scenario: Scenario, judge: Judge, store: SharedStore) {
    this.#scenario = scenario;
    this.#judge = judge;
    this.#store = store;
  }

  create(node: ModelNode, what: 'prepare' | 'submit', settled: (outcome: Outcome) => void): void {
    this.#judge.requested();
    if (what === 'submit') this.#judge.reasons.add('submit');
    const input = inputOf(this.#scenario);
    const event: TransactionEvent =
      what === 'prepare' ? { kind: 'prepared', again: false } : { kind: 'submitted', options: input.options ?? {} };
    node.create(input, event, this.#reply(node, what, settled));
  }

  command(
    node: ModelNode,
    event: TransactionEvent,
    what: Acknowledged,
    reason: Reason | undefined,
    settled: (outcome: Outcome) => void,
  ): void {
    if (reason !== undefined) this.#judge.reasons.add(reason);
    node.command(event, this.#reply(node, what, settled));
  }

  /** Sent by the code of a workflow, which ignores the response. */
  heartbeat(node: ModelNode): void {
    const { record } = this.#store;
    const nowMs = this.#judge.nowMs;
    this.command(node, { kind: 'heartbeat' }, 'heartbeat', undefined, (outcome) => {
      if (outcome === 'done') this.#judge.beat(nowMs, node.session.id, record, this.#store.record);
    });
  }

  #reply(node: ModelNode, what: Acknowledged, settled: (outcome: Outcome) => void): Reply {
    const request = { node, what };
    this.open.add(request);
    return {
      wholePass: false,
      done: () => {
        this.open.delete(request);
        this.#judge.acknowledged(what, this.#store.record);
        settled('done');
      },
      failed: (error: HoldfastError) => {
        this.open.delete(request);
        if (error.code === 'internal') this.#judge.violate('DEF1', `${what}: ${error.message}`);
        settled(error.code === 'unavailable' ? 'unclear' : 'refused');
      },
    };
  }

  /** Registers a branch of TCC or XA, or records a step of a workflow. */
  register(
    node: ModelNode,
    id: string,
    { op, status = 'prepared' }: { readonly op?: string; readonly status?: 'prepared' | 'succeed' | 'failed' },
    settled: (outcome: Outcome) => void,
  ): void {
    const { pattern } = this.#scenario;
    const { confirm, undo } = OPS[pattern];
    const request = { node, what: `register ${id}` };
    this.open.add(request);
    const createdAtMs = node.session.nowMs();
    const entries = (op === undefined ? [confirm, undo] : [op]).map((name) =>
      encodeRegistration({
        branchId: id,
        op: name,
        url: `http://s/${id}/${name}`,
        payload: NO_BYTES,
        status,
        createdAtMs,
      }),
    );
    const isWorkflow = pattern === 'workflow';
    node.append(
      {
        kind: 'append',
        key: { namespace: 'default', gid: 'g' },
        whenStatus: isWorkflow ? ['prepared', 'aborting'] : ['prepared'],
        entries,
        maxEntries: MAX_REGISTERED,
        ...(isWorkflow && { postponeMs: RETRY_INTERVAL_MS }),
      },
      (result) => {
        this.open.delete(request);
        if (result.kind === 'applied') this.#judge.branchAcknowledged(id, this.#store.record);
        settled(
          result.kind === 'applied'
            ? 'done'
            : result.kind === 'conflict' || result.kind === 'missing'
              ? 'refused'
              : 'unclear',
        );
      },
    );
  }
}
