import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Failure } from './failure.ts';
import { Listener } from './listener.ts';

/** A call of a branch, as the network in front of its bank saw it. */
export interface SeenCall {
  /** When it was over. */
  readonly atMs: number;
  readonly durationMs: number;
  readonly path: string;
  readonly branchId: string;
  readonly op: string;
  /** Undefined: nobody heard an answer. */
  readonly httpStatus: number | undefined;
  /** The answer's own words, or what became of it. */
  readonly told: string;
}

interface Call {
  readonly method: string;
  /** With its query. */
  readonly url: string;
  readonly body: string;
}

interface Answer {
  readonly httpStatus: number;
  readonly body: string;
}

/**
 * The network in front of a bank. It passes calls on, and loses, refuses and holds up what the
 * failure says.
 */
export class Network {
  /** What the bank was called for, in the order of the answers. */
  readonly seen: SeenCall[] = [];
  readonly #failure: Failure;
  readonly #bankUrl: string;
  readonly #listener = new Listener((request, response) => void this.#pass(request, response));
  readonly #known = new Set<string>();
  readonly #heldUp: Call[] = [];

  constructor(failure: Failure, bankUrl: string) {
    this.#failure = failure;
    this.#bankUrl = bankUrl;
  }

  /** Where the bank seems to be. */
  get url(): string {
    return this.#listener.url;
  }

  async open(): Promise<void> {
    await this.#listener.open();
    // From here on connections are refused.
    if (this.#failure === 'down') await this.#listener.close();
  }

  /** The bank is there again. */
  async comeBack(): Promise<void> {
    await this.#listener.open();
  }

  /** Passes on what was held up; answers what became of it. */
  async deliverLate(): Promise<readonly SeenCall[]> {
    const late: SeenCall[] = [];
    for (const call of this.#heldUp.splice(0)) {
      const startedAtMs = Date.now();
      late.push(this.#seen(call, startedAtMs, await this.#forward(call)));
    }
    return late;
  }

  close(): Promise<void> {
    return this.#listener.close();
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const startedAtMs = Date.now();
      const { method = '', url = '' } = request;
      const call = { method, url, body: await text(request) };
      const isFirst = this.#isFirst(call);
      if (isFirst && this.#failure === 'late') {
        // The caller hears nothing, until it gives up.
        this.#heldUp.push(call);
        this.seen.push(this.#seen(call, startedAtMs, 'held up on its way'));
        return;
      }
      const answer = await this.#forward(call);
      const isLost = isFirst && this.#failure === 'lost-answer';
      this.seen.push(this.#seen(call, startedAtMs, isLost ? 'done, and the answer is lost' : answer));
      if (isLost) response.destroy();
      else response.writeHead(answer.httpStatus, { 'content-type': 'application/json' }).end(answer.body);
    } catch {
      // The caller hung up, or the bank did.
      response.destroy();
    }
  }

  /** Of the calls of a branch for the same thing; a question is none. */
  #isFirst({ method, url }: Call): boolean {
    const { pathname, searchParams } = new URL(url, this.#bankUrl);
    const what = `${pathname} ${searchParams.get('op')}`;
    if (method === 'GET' || this.#known.has(what)) return false;
    this.#known.add(what);
    return true;
  }

  async #forward({ method, url, body }: Call): Promise<Answer> {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(this.#bankUrl + url, method === 'GET' ? { headers } : { method, headers, body });
    return { httpStatus: answer.status, body: await answer.text() };
  }

  #seen({ url }: Call, startedAtMs: number, answer: Answer | string): SeenCall {
    const { pathname, searchParams } = new URL(url, this.#bankUrl);
    const atMs = Date.now();
    return {
      atMs,
      durationMs: atMs - startedAtMs,
      path: pathname,
      branchId: searchParams.get('branch_id') ?? '',
      op: searchParams.get('op') ?? '',
      ...(typeof answer === 'string'
        ? { httpStatus: undefined, told: answer }
        : { httpStatus: answer.httpStatus, told: answer.body }),
    };
  }
}
