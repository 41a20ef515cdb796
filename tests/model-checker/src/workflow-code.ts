import { isFinal } from '@holdfast/protocol';
import { transactionOf } from '@holdfast/core/engine';
import type { Action } from './action.ts';
import type { ModelTime } from './manual-clock.ts';
import type { ModelNode } from './model-node.ts';
import type { Participants } from './participants.ts';
import type { Outcome, Requests } from './requests.ts';
import { branchId, RETRY_INTERVAL_MS, type Scenario } from './scenario.ts';
import type { SharedStore } from './shared-store.ts';

type Place =
  | { readonly at: 'start' | 'view' | 'finish' | 'abort' | 'fail' | 'over' | 'stuck' }
  | { readonly at: 'act' | 'undo'; readonly index: number }
  | { readonly at: 'record'; readonly index: number; readonly status: 'succeed' | 'failed' };

interface Tools {
  readonly scenario: Scenario;
  readonly participants: Participants;
  readonly requests: Requests;
  readonly store: SharedStore;
  readonly time: ModelTime;
}

/**
 * One execution of a workflow's code with its SDK: it runs and records each step that is not
 * recorded; after a failed step it makes aborting durable, undoes every step and finishes the
 * workflow. The callback of a coordinator starts another execution, which may run beside the first.
 */
export class WorkflowCode {
  readonly name: string;
  readonly #tools: Tools;
  #place: Place;
  #waits = false;
  #recorded = new Map<string, string>();

  constructor(name: string, start: 'start' | 'view', tools: Tools) {
    this.name = name;
    this.#place = { at: start };
    this.#tools = tools;
  }

  get over(): boolean {
    return this.#place.at === 'over' || this.#place.at === 'stuck';
  }

  /** Whether the code finished; otherwise its process ended before. */
  get ended(): boolean {
    return this.#place.at === 'over';
  }

  get state(): readonly unknown[] {
    return [this.#place, this.#waits, [...this.#recorded]];
  }

  /**
   * `node`: the coordinator that receives this execution's requests. `voluntary`: the execution may
   * also end here.
   */
  actions(node: ModelNode, voluntary: boolean): Action[] {
    if (this.#waits || this.over) return [];
    return [...this.#next(node, voluntary), ...this.#heartbeat(node)];
  }

  /** Sent while the code runs; the code does not wait for the response. */
  #heartbeat(node: ModelNode): Action[] {
    const { requests, time } = this.#tools;
    const isAtWork = this.#place.at === 'record' || this.#place.at === 'undo';
    const run = (): void => {
      // Later than the last record, so that the heartbeat postpones the callback.
      time.nowMs += Math.round(RETRY_INTERVAL_MS / 3);
      requests.heartbeat(node);
    };
    const label = `${this.name}: sends a heartbeat to ${node.name}`;
    return isAtWork ? [{ label, voluntary: true, spends: 'heartbeats', run }] : [];
  }

  #next(node: ModelNode, voluntary: boolean): Action[] {
    const place = this.#place;
    const does = (label: string, run: () => void, spends?: Action['spends']): Action => ({
      label: `${this.name}: ${label}`,
      voluntary,
      run,
      ...(spends !== undefined && { spends }),
    });
    switch (place.at) {
      case 'start':
        return [
          does(`prepares at ${node.name}`, () =>
            this.#request((done) => this.#tools.requests.create(node, 'prepare', done), 'view'),
          ),
        ];
      case 'view':
        return [does('reads what is recorded', () => this.#view())];
      case 'act':
        return [
          does(`runs step ${place.index + 1}`, () => this.#act(place.index, 'succeed')),
          does(`runs step ${place.index + 1}, which fails`, () => this.#act(place.index, 'failed'), 'refusals'),
        ];
      case 'record':
        return [
          does(`records step ${place.index + 1} at ${node.name}`, () => this.#record(node, place.index, place.status)),
        ];
      case 'finish':
        return [does(`ends as succeed at ${node.name}`, () => this.#finish(node, 'succeed'))];
      case 'abort':
        return [does(`makes aborting durable at ${node.name}`, () => this.#abort(node))];
      case 'undo':
        return [does(`undoes step ${place.index + 1}`, () => this.#undo(place.index))];
      case 'fail':
        return [does(`ends as failed at ${node.name}`, () => this.#finish(node, 'failed'))];
      case 'over':
      case 'stuck':
        return [];
    }
  }

  #request(
    send: (settled: (outcome: Outcome) => void) => void,
    next: Place['at'] & ('view' | 'over'),
    refused: Place = { at: 'stuck' },
  ): void {
    this.#waits = true;
    send((outcome) => {
      this.#waits = false;
      this.#place = outcome === 'done' ? { at: next } : outcome === 'refused' ? refused : { at: 'stuck' };
    });
  }

  #view(): void {
    const { record } = this.#tools.store;
    if (record === undefined || isFinal(record.status)) return void (this.#place = { at: 'over' });
    this.#recorded = new Map(
      transactionOf(record).registered.map(({ branchId: id, op, status }) => [`${id} ${op}`, status]),
    );
    this.#place = record.status === 'aborting' ? { at: 'abort' } : this.#forward(0);
  }

  #forward(from: number): Place {
    for (let i = from; i < this.#tools.scenario.branches; i++) {
      const status = this.#recorded.get(`${branchId(i)} action`);
      if (status === 'failed') return { at: 'abort' };
      if (status === undefined) return { at: 'act', index: i };
    }
    return { at: 'finish' };
  }

  #act(index: number, status: 'succeed' | 'failed'): void {
    const id = branchId(index);
    const { participants } = this.#tools;
    participants.of(id).sent.add('action');
    // A participant that has already done the work does not reject it now.
    if (status === 'succeed' || participants.hasRun(id, 'action')) participants.work(id, 'action');
    this.#place = { at: 'record', index, status: participants.hasRun(id, 'action') ? 'succeed' : status };
  }

  #record(node: ModelNode, index: number, status: 'succeed' | 'failed'): void {
    this.#waits = true;
    const id = branchId(index);
    this.#tools.requests.register(node, id, { op: 'action', status }, (outcome) => {
      this.#waits = false;
      // The first recorded outcome is kept; the code then reads it.
      this.#place = outcome === 'done' ? { at: 'view' } : outcome === 'refused' ? { at: 'abort' } : { at: 'stuck' };
    });
  }

  #abort(node: ModelNode): void {
    const event = { kind: 'abort', reason: 'a step failed', byOperator: false } as const;
    this.#waits = true;
    this.#tools.requests.command(node, event, 'abort', 'abort', (outcome) => {
      this.#waits = false;
      this.#place = outcome === 'done' ? { at: 'undo', index: this.#tools.scenario.branches - 1 } : { at: 'stuck' };
    });
  }

  #undo(index: number): void {
    this.#tools.participants.work(branchId(index), 'rollback');
    this.#place = index > 0 ? { at: 'undo', index: index - 1 } : { at: 'fail' };
  }

  #finish(node: ModelNode, status: 'succeed' | 'failed'): void {
    const event = { kind: 'ended', status, rollbackReason: '', result: '' } as const;
    this.#request(
      (done) => this.#tools.requests.command(node, event, `finish ${status}`, `finish ${status}`, done),
      'over',
      {
        at: status === 'succeed' ? 'abort' : 'over',
      },
    );
  }
}
