import grpc from '@grpc/grpc-js';
import { Agent } from 'undici';
import { GrpcCaller } from './grpc-caller.ts';
import type { Effect, OpId } from './journal.ts';
import type { OwnCall } from './participant-urls.ts';

/** A client's own calls to participants (a try, a local transaction). */
export class ParticipantsClient {
  readonly #agent: Agent;
  readonly #timeoutMs: number;
  /** By address. */
  readonly #grpc = new Map<string, GrpcCaller>();

  /**
   * A call that takes longer than `timeoutMs` is abandoned; whether it took effect is then unknown.
   */
  constructor(connections: number, timeoutMs: number) {
    this.#agent = new Agent({ connections });
    this.#timeoutMs = timeoutMs;
  }

  /** Calls a branch as the coordinator would. */
  async post({ url, id }: OwnCall, effect: Effect): Promise<'success' | 'failure' | 'unknown'> {
    const { account, amount } = effect;
    if (!url.startsWith('http://')) return this.#callGrpc(url, id, JSON.stringify({ account, amount }));
    const identity = new URLSearchParams({ gid: id.gid, branch_id: id.branchId, op: id.op }).toString();
    const reply = await this.send(`${url}&${identity}`, { account, amount }, this.#timeoutMs);
    if (reply?.code === 200) return 'success';
    return reply?.code === 409 ? 'failure' : 'unknown';
  }

  async #callGrpc(url: string, { gid, branchId, op }: OpId, body: string): Promise<'success' | 'failure' | 'unknown'> {
    const [address = ''] = url.split('/', 1);
    const caller = this.#grpc.get(address) ?? new GrpcCaller(address);
    this.#grpc.set(address, caller);
    const metadata = { 'dtm-gid': gid, 'dtm-branch_id': branchId, 'dtm-op': op };
    const { code } = await caller.callWithBytes(
      url.slice(address.length),
      Buffer.from(body),
      this.#timeoutMs,
      metadata,
    );
    if (code === grpc.status.OK) return 'success';
    return code === grpc.status.ABORTED ? 'failure' : 'unknown';
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
    for (const caller of this.#grpc.values()) caller.close();
    await this.#agent.destroy();
  }
}
