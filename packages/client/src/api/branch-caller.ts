import { isUtf8 } from 'node:buffer';
import {
  basicAuthorization,
  branchResult,
  isConnectionHeader,
  resultOfHttp,
  resultOfUnframedHttp,
  textOfThrown,
  withoutCoordinates,
} from '@holdfast/protocol';
import { isGrpcUrl } from '@holdfast/protocol/grpc';
import { type CallSigner, isSignatureHeader } from '@holdfast/protocol/signing';
import { Agent } from 'undici';
import { returnedValue } from '../participants/wire-body.ts';
import { isBytes } from '../payload.ts';
import type { InitiatorCall, InitiatorCallResult } from './api.ts';
import { Ending } from './ending.ts';
import { GrpcBranchCaller } from './grpc-branch-caller.ts';
import { type InitiatorSecrets, withoutEchoes } from './initiator-secrets.ts';
import { initiatorCallId } from './initiator-signature.ts';

/** A longer response of a branch is not read, and is UNKNOWN. */
const MAX_RESPONSE_BYTES = 4 * 1024 * 1024;

/** What the calls of one client prove to branches. */
export interface CallCredentials {
  /** Signs each call; undefined: calls are not signed. */
  readonly signer: CallSigner | undefined;
  readonly secrets: InitiatorSecrets;
}

/**
 * Calls branches over HTTP and gRPC, as a coordinator would (protocol page, "What the coordinator
 * sends to a branch").
 */
export class BranchCaller {
  readonly #agent: Agent;
  readonly #grpc: GrpcBranchCaller;
  readonly #signer: CallSigner | undefined;
  readonly #secrets: InitiatorSecrets;
  #closing: Promise<void> | undefined;

  constructor(connectionsPerOrigin: number, { signer, secrets }: CallCredentials) {
    this.#signer = signer;
    this.#secrets = secrets;
    this.#grpc = new GrpcBranchCaller(signer);
    this.#agent = new Agent({ connections: connectionsPerOrigin, maxResponseSize: MAX_RESPONSE_BYTES });
  }

  /**
   * Rejects if the caller's signal aborts, with a TypeError for a payload that is not JSON, and if
   * the library for a gRPC branch is not installed; every other failure is UNKNOWN. That includes a
   * missing secret, for which nothing must be undone: the call is not made.
   */
  async call(call: InitiatorCall): Promise<InitiatorCallResult> {
    const resolved = this.#secrets.resolved(call.headers);
    if (resolved.kind === 'missing') {
      const why = `${call.url}: not called: ${resolved.why} (header ${resolved.header})`;
      return { result: branchResult('UNKNOWN', why), body: undefined };
    }
    const { headers, secrets } = resolved;
    const sent = { ...call, headers };
    const { result, body } = await (isGrpcUrl(call.url) ? this.#grpc.call(sent) : this.#callHttp(sent));
    return { result: withoutEchoes(result, headers, secrets), body };
  }

  /** Ends the calls in progress, whose results are UNKNOWN. */
  async destroy(): Promise<void> {
    await Promise.all([this.#agent.destroy(), this.#grpc.destroy()]);
  }

  close(): Promise<void> {
    return (this.#closing ??= Promise.all([this.#agent.close(), this.#grpc.close()]).then(() => undefined));
  }

  async #callHttp(call: InitiatorCall): Promise<InitiatorCallResult> {
    const url = new URL(withoutCoordinates(call.url));
    const authorization = basicAuthorization(url);
    const { gid, pattern, branchId, op } = call;
    for (const [name, value] of Object.entries({ ...call.query, gid, trans_type: pattern, branch_id: branchId, op }))
      url.searchParams.set(name, value);
    call.signal?.throwIfAborted();
    const payload = bodyOf(call.payload);
    const path = url.pathname + url.search;
    const signer = this.#signer;
    const ending = new Ending(call.timeoutMs, call.signal);
    try {
      const { statusCode, headers, body } = await this.#agent.request({
        origin: url.origin,
        path,
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(authorization !== '' && { authorization }),
          ...sendable(call.headers, signer !== undefined),
          ...signer?.sign({
            id: initiatorCallId(call),
            method: 'POST',
            target: path,
            host: url.host,
            body: payload ?? '',
          }),
        },
        body: payload,
        headersTimeout: call.timeoutMs,
        bodyTimeout: call.timeoutMs,
        signal: ending.signal,
      });
      const bytes = Buffer.from(await body.arrayBuffer());
      const text = bytes.toString();
      // Neither a length nor chunks: the end of the connection ended the response, which a broken
      // connection does as well.
      const isUnframed =
        statusCode !== 204 && headers['content-length'] === undefined && headers['transfer-encoding'] === undefined;
      const result = isUnframed ? resultOfUnframedHttp(statusCode, text) : resultOfHttp(statusCode, text);
      // The words that decide are ASCII. Any other text that is not UTF-8 would be altered, so it
      // is not returned.
      return { result, body: isUtf8(bytes) ? returnedValue(parsed(text)) : undefined };
    } catch (error) {
      call.signal?.throwIfAborted();
      const why = ending.isLate ? `no response within ${call.timeoutMs} ms` : whyOf(error);
      return { result: branchResult('UNKNOWN', `${call.url}: ${why}`), body: undefined };
    } finally {
      ending.over();
    }
  }
}

/** As from a coordinator: without headers of the connection, and of a signature if it has one. */
const sendable = (headers: InitiatorCall['headers'], isSigned: boolean): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).filter(([name]) => {
      const lowerName = name.toLowerCase();
      return !isConnectionHeader(lowerName) && !(isSigned && isSignatureHeader(lowerName));
    }),
  );

/** The body of a request; null: none. */
function bodyOf(payload: unknown): string | Uint8Array | null {
  if (payload === undefined) return null;
  return isBytes(payload) ? payload : JSON.stringify(payload);
}

const whyOf = (error: unknown): string => textOfThrown(error) || String(error);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
