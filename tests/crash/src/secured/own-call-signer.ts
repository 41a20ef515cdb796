import { randomUUID } from 'node:crypto';
import { CallSigner, callId, grpcTarget, parseSigningKeys, type SignatureFields } from '@holdfast/protocol/signing';
import type { OpId } from '../journal.ts';

/** Signs the calls that clients make to participants themselves, as the SDK does. */
export class OwnCallSigner {
  readonly #signer: CallSigner;

  /** @param key `whsec_…` */
  constructor(key: string) {
    const keys = parseSigningKeys(key);
    this.#signer = new CallSigner(() => keys, randomUUID(), Date.now);
  }

  overHttp(url: URL, id: OpId, body: string): SignatureFields {
    return this.#signer.sign({
      id: idOf(id),
      method: 'POST',
      target: url.pathname + url.search,
      host: url.host,
      body,
    });
  }

  overGrpc(address: string, path: string, id: OpId, message: Buffer): SignatureFields {
    const target = grpcTarget(path, Object.entries({ gid: id.gid, branch_id: id.branchId, op: id.op }));
    return this.#signer.sign({ id: idOf(id), method: 'POST', target, host: address, body: message });
  }
}

const idOf = ({ gid, branchId, op }: OpId): string => callId(gid, branchId, op, 1);
