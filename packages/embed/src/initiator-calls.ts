import {
  BranchCaller,
  type CallCredentials,
  exceedsJson,
  type InitiatorCall,
  type InitiatorCallResult,
  type InitiatorSecrets,
  unlessAborted,
} from '@holdfast/client/api';
import { LIMITS, type SecretFault } from '@holdfast/protocol';
import type { LocalBranches } from '@holdfast/branches';

const LOCAL = 'local://';

/**
 * Calls that the code of a tcc, xa or workflow makes itself: functions of this process are called
 * directly, everything else over HTTP or gRPC.
 */
export class InitiatorCalls {
  readonly #locals: LocalBranches;
  readonly #remote: BranchCaller;
  readonly #secrets: InitiatorSecrets;

  constructor(locals: LocalBranches, connections: number, credentials: CallCredentials) {
    this.#locals = locals;
    this.#secrets = credentials.secrets;
    this.#remote = new BranchCaller(connections, credentials);
  }

  call(request: InitiatorCall): Promise<InitiatorCallResult> {
    return request.url.startsWith(LOCAL) ? this.#callLocal(request) : this.#remote.call(request);
  }

  /** The header whose secret is missing; undefined: there is none. */
  secretFaultOf(headers: InitiatorCall['headers']): SecretFault | undefined {
    return this.#secrets.faultOf(headers);
  }

  /** Ends the calls in progress. */
  close(): Promise<void> {
    return this.#remote.destroy();
  }

  async #callLocal(request: InitiatorCall): Promise<InitiatorCallResult> {
    const { url, payload, signal } = request;
    signal?.throwIfAborted();
    const responding = this.#locals.callForValue(url.slice(LOCAL.length), {
      ...request,
      payload: Buffer.from(payload === undefined ? '' : JSON.stringify(payload)),
    });
    const { result, value } = await unlessAborted(responding, signal);
    return { result, body: asJson(value) };
  }
}

/**
 * The value as it would arrive over HTTP: a copy that shares nothing with the function, or nothing
 * if the value has no JSON form. A value that is too large for HTTP is returned itself: copying it
 * could block the process for seconds.
 */
function asJson(value: unknown): unknown {
  if (value === undefined || value === null || exceedsJson(value, LIMITS.payloadBytes)) return value;
  try {
    return JSON.parse(JSON.stringify(value)) as unknown;
  } catch {
    return undefined;
  }
}
