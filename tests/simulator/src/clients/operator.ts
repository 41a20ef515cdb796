import type { CallContext } from '@holdfast/core';
import type { Engine } from '@holdfast/core/engine';
import type { Case } from '../parts/case.ts';
import { nameOf } from '../parts/case.ts';
import type { ClientTools } from './client.ts';

/** An operator, or a script, that inspects transactions and sends commands. */
export class Operator {
  readonly #tools: ClientTools;

  constructor(tools: ClientTools) {
    this.#tools = tools;
  }

  /** Performs one action on one transaction. */
  async act(one: Case): Promise<void> {
    switch (this.#tools.random.weighted({ look: 4, wait: 3, retry: 3, abort: 2, stop: 0.5, all: 1 })) {
      case 'look':
        return this.#look(one);
      case 'wait':
        return this.#wait(one);
      case 'retry':
        return this.retry(one);
      case 'abort':
        return this.#abort(one);
      case 'stop':
        return this.#stop(one);
      case 'all':
        return this.#retryAll(one);
    }
  }

  /** Retries the transaction at once, parked or not. */
  async retry(one: Case): Promise<void> {
    await this.#request(one, 'retry now', (engine, context) => {
      one.requested.add('retry');
      return engine.retryNow(context, one.key.gid);
    });
  }

  async #look(one: Case): Promise<void> {
    const { acks } = this.#tools;
    await this.#request(
      one,
      'get',
      (engine, context) => engine.get(context, one.key.gid),
      (view) => {
        if (view !== undefined) acks.seen(one, view);
      },
    );
    await this.#request(one, 'list', (engine, context) => engine.list(context, { limit: 5 }));
    await this.#request(one, 'count', (engine, context) => engine.counts(context));
  }

  async #wait(one: Case): Promise<void> {
    const { acks, random } = this.#tools;
    const timeoutMs = random.pick([0, 500, 10_000]);
    await this.#request(
      one,
      `wait ${timeoutMs} ms`,
      (engine, context) => engine.wait(context, one.key.gid, timeoutMs),
      (view) => acks.seen(one, view),
    );
  }

  async #abort(one: Case): Promise<void> {
    const { acks, counters } = this.#tools;
    // An abort of a message would contradict its client's local transaction.
    if (one.plan.pattern === 'msg') return;
    await this.#request(
      one,
      'abort by operator',
      (engine, context) => {
        one.requested.add('abort-order');
        return engine.abort(context, { gid: one.key.gid, reason: 'aborted by the operator', byOperator: true });
      },
      () => {
        counters.count('aborted by an operator');
        if (one.plan.pattern === 'saga') acks.abortCommanded(one);
        else acks.aborted(one);
      },
    );
  }

  async #stop(one: Case): Promise<void> {
    await this.#request(
      one,
      'stop',
      (engine, context) => {
        one.requested.add('stop');
        return engine.forceStop(context, { gid: one.key.gid, reason: 'simulated' });
      },
      () => {
        this.#tools.counters.count('stopped by an operator');
        this.#tools.acks.stopped(one);
      },
    );
  }

  async #retryAll(one: Case): Promise<void> {
    await this.#request(one, 'retry waiting', (engine, context) =>
      engine.retryWaiting(context, { laterThanMs: 500, limit: 5 }),
    );
  }

  async #request<T>(
    one: Case,
    label: string,
    call: (engine: Engine, context: CallContext) => Promise<T>,
    acknowledged?: (value: T) => void,
  ): Promise<void> {
    const { gateway, random, nodes } = this.#tools;
    const context: CallContext = {
      principal: { id: 'operator', roles: ['operator'] },
      namespace: one.key.namespace,
    };
    await gateway.request(random.pick(nodes()), {
      gid: nameOf(one.key),
      label,
      call: (engine) => call(engine, context),
      ...(acknowledged !== undefined && { acknowledged }),
    });
  }
}
