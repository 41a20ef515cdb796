import { connect, type Holdfast } from '@holdfast/client';
import type { Participant } from './participant.ts';

/** A call that failed. */
export interface FailedCall {
  readonly call: string;
  readonly gid: string;
  readonly what: string;
}

const CALLERS = 8;

/**
 * Callers that keep a coordinator busy with what clients send: dtm's REST and JSON-RPC, and the
 * SDK, with and without `wait_result`. The coordinator behind the URL may change at any time.
 */
export class Callers {
  /** Accepted transactions; each has two branches and succeeds. */
  readonly accepted = new Set<string>();
  readonly failed: FailedCall[] = [];
  /**
   * Repeated submits that received a 409 because their transaction had already succeeded; these are
   * not failures.
   */
  readonly succeededBefore = new Set<string>();
  readonly #url: string;
  readonly #branch: string;
  readonly #holdfast: Holdfast;
  readonly #all: Promise<void>[];
  #stopping = false;
  #gids = 0;
  #wake: () => void = () => {};

  constructor(url: string, participant: Participant) {
    this.#url = url;
    this.#branch = participant.url('/branch');
    this.#holdfast = connect(url);
    this.#all = Array.from({ length: CALLERS }, (_, i) => this.#keepCalling(i));
  }

  /** Resolves when `count` more transactions have been accepted. */
  async acceptedMore(count: number): Promise<void> {
    const goal = this.accepted.size + count;
    while (this.accepted.size < goal)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#all);
    await this.#holdfast.close();
  }

  async #keepCalling(caller: number): Promise<void> {
    const kinds = [
      (gid: string) => this.#post(gid, '/api/dtmsvr/submit', this.#saga(gid, true)),
      (gid: string) => this.#post(gid, '/api/dtmsvr/submit', this.#saga(gid, false)),
      (gid: string) => this.#jsonRpc(gid),
      (gid: string) => this.#tcc(gid),
      (gid: string) => this.#sdk(gid),
    ];
    for (let turn = caller; !this.#stopping; turn++) {
      const gid = `g${++this.#gids}`;
      try {
        await kinds[turn % kinds.length]?.(gid);
        await this.#get(gid);
        this.accepted.add(gid);
      } catch (error) {
        this.failed.push({ call: `kind ${turn % kinds.length}`, gid, what: String(error) });
      }
      this.#wake();
    }
  }

  #saga(gid: string, wait: boolean): unknown {
    const steps = [1, 2].map(() => ({ action: this.#branch, compensate: this.#branch }));
    return { gid, trans_type: 'saga', wait_result: wait, steps, payloads: ['{}', '{}'] };
  }

  async #jsonRpc(gid: string): Promise<void> {
    const response = await this.#post(gid, '/api/json-rpc', {
      jsonrpc: '2.0',
      id: gid,
      method: 'submit',
      params: this.#saga(gid, false),
    });
    if (response.includes('"error"')) throw new Error(response);
  }

  async #tcc(gid: string): Promise<void> {
    await this.#post(gid, '/api/dtmsvr/prepare', { gid, trans_type: 'tcc' });
    for (const branch_id of ['01', '02']) {
      const branch = { gid, trans_type: 'tcc', branch_id, data: '{}', confirm: this.#branch, cancel: this.#branch };
      await this.#post(gid, '/api/dtmsvr/registerBranch', branch);
    }
    await this.#post(gid, '/api/dtmsvr/submit', { gid, trans_type: 'tcc' });
  }

  async #sdk(gid: string): Promise<void> {
    const step = { action: this.#branch, compensate: this.#branch };
    await this.#holdfast.saga(gid).step(step).step(step).submit({ wait: true });
  }

  async #get(gid: string): Promise<void> {
    const response = await fetch(`${this.#url}/api/v1/transactions/${gid}?waitMs=50`);
    const text = await response.text();
    if (response.status !== 200) throw new Error(`looking it up: ${response.status} ${text}`);
  }

  async #post(gid: string, path: string, body: unknown): Promise<string> {
    const response = await fetch(this.#url + path, { method: 'POST', body: JSON.stringify(body) });
    const text = await response.text();
    if (response.status === 409 && text.includes('"status":"succeed"')) this.succeededBefore.add(gid);
    else if (response.status !== 200) throw new Error(`${path}: ${response.status} ${text}`);
    return text;
  }
}
