import grpc from '@grpc/grpc-js';
import { Agent } from 'undici';
import { GrpcCaller } from './grpc-caller.ts';
import type { Effect, OpId } from './journal.ts';
import { isGrpcUrl, type OwnCall, withoutScheme } from './participant-urls.ts';
import type { OwnCallSigner } from './secured/own-call-signer.ts';

/** TLS and signatures of own calls. */
export interface OwnCallSecurity {
  /** Authority of the participants' certificates, PEM. */
  readonly ca: string;
  readonly signer: OwnCallSigner;
}

/** A client's own calls to participants (a try, a local transaction). */
export class ParticipantsClient {
  readonly #agent: Agent;
  readonly #timeoutMs: number;
  /** By address. */
  readonly #grpc = new Map<string, GrpcCaller>();
  readonly #security: OwnCallSecurity | undefined;

  /**
   * A call that takes longer than `timeoutMs` is abandoned; whether it took effect is then unknown.
   *
   * @param security undefined: neither TLS nor signatures
   */
  constructor(connections: number, timeoutMs: number, security?: OwnCallSecurity) {
    this.#security = security;
    this.#agent = new Agent({ connections, ...(security !== undefined && { connect: { ca: security.ca } }) });
    this.#timeoutMs = timeoutMs;
  }

  /** Calls a branch as the coordinator would. */
  async post({ url, id }: OwnCall, effect: Effect): Promise<'success' | 'failure' | 'unknown'> {
    const { account, amount } = effect;
    const body = JSON.stringify({ account, amount });
    if (isGrpcUrl(url)) return this.#callGrpc(withoutScheme(url), id, body);
    const identity = new URLSearchParams({ gid: id.gid, branch_id: id.branchId, op: id.op }).toString();
    const identified = new URL(`${url}&${identity}`);
    const reply = await this.#send(
      identified,
      body,
      this.#timeoutMs,
      this.#security?.signer.overHttp(identified, id, body),
    );
    if (reply?.code === 200) return 'success';
    return reply?.code === 409 ? 'failure' : 'unknown';
  }

  async #callGrpc(url: string, { gid, branchId, op }: OpId, body: string): Promise<'success' | 'failure' | 'unknown'> {
    const [address = ''] = url.split('/', 1);
    const security = this.#security;
    const access = security === undefined ? undefined : { ca: security.ca, token: () => '' };
    const caller = this.#grpc.get(address) ?? new GrpcCaller(address, access);
    this.#grpc.set(address, caller);
    const [path, message] = [url.slice(address.length), Buffer.from(body)];
    const metadata = {
      ...{ 'dtm-gid': gid, 'dtm-branch_id': branchId, 'dtm-op': op },
      ...security?.signer.overGrpc(address, path, { gid, branchId, op }, message),
    };
    const { code } = await caller.callWithBytes(path, message, this.#timeoutMs, metadata);
    if (code === grpc.status.OK) return 'success';
    return code === grpc.status.ABORTED ? 'failure' : 'unknown';
  }

  /** Posts JSON. Resolves to undefined if there is no response in time. */
  send(url: string, body: object, timeoutMs: number): Promise<Received | undefined> {
    return this.#send(new URL(url), JSON.stringify(body), timeoutMs, {});
  }

  async #send(
    { origin, pathname, search }: URL,
    body: string,
    timeoutMs: number,
    headers: Readonly<Record<string, string>> | undefined,
  ): Promise<Received | undefined> {
    try {
      const response = await this.#agent.request({
        origin,
        path: pathname + search,
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body,
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

interface Received {
  readonly code: number;
  readonly text: string;
}
