import { Agent } from 'undici';
import type { Effect } from './journal.ts';

/** A client's own calls to participants (a try, a local transaction). */
export class ParticipantsClient {
  readonly #agent: Agent;
  readonly #timeoutMs: number;

  /**
   * A call that takes longer than `timeoutMs` is abandoned; whether it took effect is then unknown.
   */
  constructor(connections: number, timeoutMs: number) {
    this.#agent = new Agent({ connections });
    this.#timeoutMs = timeoutMs;
  }

  async post(url: string, effect: Effect): Promise<'success' | 'failure' | 'unknown'> {
    const { account, amount } = effect;
    const reply = await this.send(url, { account, amount }, this.#timeoutMs);
    if (reply?.code === 200) return 'success';
    return reply?.code === 409 ? 'failure' : 'unknown';
  }

  /** Posts JSON. Resolves to undefined if there is no response in time. */
  async send(url: string, body: object, timeoutMs: number): Promise<{ code: number; text: string } | undefined> {
    try {
      const { origin, pathname, search } = new URL(url);
      const response = await this.#agent.request({
        origin,
        path: pathname + search,
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        // The agent's timeouts have a resolution of one second.
        signal: AbortSignal.timeout(timeoutMs),
      });
      return { code: response.statusCode, text: await response.body.text() };
    } catch {
      // Cut off or timed out: the caller cannot know more than that.
      return undefined;
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}
