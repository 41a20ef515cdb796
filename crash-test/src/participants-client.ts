import { Agent } from 'undici';
import type { Effect } from './journal.ts';

/** A client's own calls to participants (a try, a local transaction). */
export class ParticipantsClient {
  readonly #agent: Agent;
  readonly #timeoutMs: number;

  /** A call that takes longer than `timeoutMs` is given up: whether it took effect stays unknown. */
  constructor(connections: number, timeoutMs: number) {
    this.#agent = new Agent({ connections });
    this.#timeoutMs = timeoutMs;
  }

  async post(url: string, effect: Effect): Promise<'success' | 'failure' | 'unknown'> {
    try {
      const { origin, pathname, search } = new URL(url);
      const response = await this.#agent.request({
        origin,
        path: pathname + search,
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ account: effect.account, amount: effect.amount }),
        // The agent's own time-outs are a second coarse.
        signal: AbortSignal.timeout(this.#timeoutMs),
      });
      await response.body.dump();
      if (response.statusCode === 200) return 'success';
      return response.statusCode === 409 ? 'failure' : 'unknown';
    } catch {
      // Cut off or timed out: the caller cannot know more than that.
      return 'unknown';
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}
