import type { CallContext } from '@holdfast/core';
import type { Engine } from '@holdfast/core/engine';
import { type RunningServer, SILENT, startServer } from '@holdfast/server';
import { NodeCalls } from './node-calls.ts';

/**
 * A coordinator of this version in the process of the test. HTTP callers are anonymous; the engine
 * accepts calls of any principal.
 */
export class PresentNode extends NodeCalls {
  readonly version = 'present';
  readonly #store: string;
  readonly #errors: string[] = [];
  #server: RunningServer | undefined;

  private constructor(store: string) {
    super();
    this.#store = store;
  }

  static async start(store: string): Promise<PresentNode> {
    const node = new PresentNode(store);
    await node.startAgain();
    return node;
  }

  get url(): string {
    return this.#running.url;
  }

  get engine(): Engine {
    return this.#running.coordinator;
  }

  /** Stops the node, which must not have logged an error. */
  async end(): Promise<void> {
    await this.#server?.close();
    this.#server = undefined;
    if (this.#errors.length > 0) throw new Error(`the present one logged errors:\n${this.#errors.join('\n')}`);
  }

  async startAgain(): Promise<void> {
    const options = {
      store: this.#store,
      httpPort: 0,
      node: this.version,
      heartbeat: 300,
      silence: 3000,
      poll: 100,
      retryInterval: 200,
      maxRetryInterval: 300,
      drainTimeout: 300,
    };
    const error = (_fields: object, message: string): void => void this.#errors.push(message);
    this.#server = await startServer(options, { log: { ...SILENT, error } });
  }

  get #running(): RunningServer {
    if (this.#server === undefined) throw new Error('the present node does not run');
    return this.#server;
  }
}

/** The trace of the transactions that a named principal creates. */
export const TRACE = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', tracestate: 'a=1' };

/** A call of a principal, within a trace. */
export const as = (id: string): CallContext => ({ principal: { id, roles: [] }, namespace: 'default', trace: TRACE });
