import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Failure } from './failure.ts';
import { Listener } from './listener.ts';

/** A call that reached bank B when everything was over, and what it answered. */
export interface LateCall {
  readonly path: string;
  readonly op: string;
  readonly httpStatus: number;
}

interface Call {
  readonly method: string;
  /** With its query. */
  readonly url: string;
  readonly body: string;
}

/** The network in front of bank B. It passes calls on, and loses, refuses and holds up what the failure says. */
export class Network {
  readonly #failure: Failure;
  readonly #bankUrl: string;
  readonly #listener = new Listener((request, response) => void this.#pass(request, response));
  readonly #seen = new Set<string>();
  readonly #heldUp: Call[] = [];

  constructor(failure: Failure, bankUrl: string) {
    this.#failure = failure;
    this.#bankUrl = bankUrl;
  }

  /** Where bank B seems to be. */
  get url(): string {
    return this.#listener.url;
  }

  async open(): Promise<void> {
    await this.#listener.open();
    // From here on connections are refused.
    if (this.#failure === 'down') await this.#listener.close();
  }

  /** Bank B is there again. */
  async comeBack(): Promise<void> {
    await this.#listener.open();
  }

  /** Passes on what was held up. */
  async deliverLate(): Promise<readonly LateCall[]> {
    const delivered: LateCall[] = [];
    for (const call of this.#heldUp.splice(0)) {
      const { httpStatus } = await this.#forward(call);
      const { pathname, searchParams } = new URL(call.url, this.#bankUrl);
      delivered.push({ path: pathname, op: searchParams.get('op') ?? '', httpStatus });
    }
    return delivered;
  }

  close(): Promise<void> {
    return this.#listener.close();
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { method = '', url = '' } = request;
      const call = { method, url, body: await text(request) };
      const isFirst = this.#isFirst(call);
      // The caller hears nothing, until it gives up.
      if (isFirst && this.#failure === 'late') return void this.#heldUp.push(call);
      const answer = await this.#forward(call);
      if (isFirst && this.#failure === 'lost-answer') return void response.destroy();
      response.writeHead(answer.httpStatus, { 'content-type': 'application/json' }).end(answer.body);
    } catch {
      // The caller hung up, or the bank did.
      response.destroy();
    }
  }

  /** Of the calls of a branch for the same thing; a question is none. */
  #isFirst({ method, url }: Call): boolean {
    const { pathname, searchParams } = new URL(url, this.#bankUrl);
    const what = `${pathname} ${searchParams.get('op')}`;
    if (method === 'GET' || this.#seen.has(what)) return false;
    this.#seen.add(what);
    return true;
  }

  async #forward({ method, url, body }: Call): Promise<{ readonly httpStatus: number; readonly body: string }> {
    const headers = { 'content-type': 'application/json' };
    const sent = method === 'GET' ? { headers } : { method, headers, body };
    const answer = await fetch(this.#bankUrl + url, sent);
    return { httpStatus: answer.status, body: await answer.text() };
  }
}
