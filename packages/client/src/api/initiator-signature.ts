import { callId, type CallSigner } from '@holdfast/protocol/signing';
import type { InitiatorCall } from './api.ts';
import { type SigningKeys, signerOfTexts } from './signer-of-texts.ts';

/**
 * The signer of the calls of a client; undefined if they are not signed.
 *
 * @throws {TypeError} a key is malformed
 */
export const signerOf = ({ signingKeys }: { readonly signingKeys?: SigningKeys }): CallSigner | undefined =>
  signingKeys === undefined ? undefined : signerOfTexts(signingKeys, 'connect(): signingKeys');

/**
 * The `webhook-id` of a call that the code of a transaction makes. It makes each of its calls once,
 * so all of them are the first attempt.
 */
export const initiatorCallId = ({ gid, branchId, op }: InitiatorCall): string => callId(gid, branchId, op, 1);
