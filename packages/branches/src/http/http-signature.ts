import { type CallSigner, callId } from '@holdfast/protocol/signing';
import type { BranchRequest } from '@holdfast/core';
import type { HttpRequest, RequestSignature } from '../http1/request-bytes.ts';

/** The signature of one HTTP call with the given `webhook-id`. */
export class HttpSignature implements RequestSignature {
  readonly #signer: CallSigner;
  readonly #id: string;
  readonly #suffix: string;

  /** @param suffix signed as the end of the target: a header that is part of the call's meaning */
  constructor(signer: CallSigner, id: string, suffix = '') {
    this.#signer = signer;
    this.#id = id;
    this.#suffix = suffix;
  }

  linesFor({ method, path, host, body }: HttpRequest): string {
    const target = this.#suffix === '' ? path : `${path} ${this.#suffix}`;
    return this.#signer.signedLines({ id: this.#id, method, target, host, body: body ?? '' });
  }
}

/** The signature of a branch call; undefined if calls are not signed. */
export const signatureOf = (
  signer: CallSigner | undefined,
  { gid, branchId, op, attempt }: BranchRequest,
  suffix?: string,
): HttpSignature | undefined =>
  signer === undefined ? undefined : new HttpSignature(signer, callId(gid, branchId, op, attempt), suffix);
