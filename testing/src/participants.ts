import { vi } from 'vitest';
import { type Responder, always, BranchServer } from './participant.ts';

/** Participants of a test: paths respond as the test specifies; all other calls succeed. */
export class Participants implements AsyncDisposable {
  readonly #server: BranchServer;
  readonly #responders = new Map<string, Responder>();

  private constructor(server: BranchServer) {
    this.#server = server;
    server.respond = (response, seen) => {
      const path = `${seen.url.pathname} ${seen.url.searchParams.get('op')}`;
      (
        this.#responders.get(path) ??
        this.#responders.get(seen.url.pathname) ??
        always(200, '{"dtm_result":"SUCCESS"}')
      )(response, seen);
    };
  }

  static async start(): Promise<Participants> {
    return new Participants(await BranchServer.start());
  }

  url(path: string): string {
    return this.#server.url + path;
  }

  /** Sets the response of a path, or of a path and an op (`/debit compensate`). */
  respond(path: string, responder: Responder): void {
    this.#responders.set(path, responder);
  }

  /** Calls so far, such as `01 action /debit`. */
  get calls(): readonly string[] {
    return this.#server.seen.map(
      ({ url }) => `${url.searchParams.get('branch_id')} ${url.searchParams.get('op')} ${url.pathname}`,
    );
  }

  get seen(): BranchServer['seen'] {
    return this.#server.seen;
  }

  async called(count: number): Promise<void> {
    await vi.waitUntil(() => this.#server.seen.length >= count, { timeout: 10_000, interval: 2 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}

export { always };
