import { createCallVerifier } from '@holdfast/client';
import type { KeyKind, SigningKeys } from './signing-keys.ts';

/** A call as a participant received it. */
export interface ArrivedCall {
  readonly header: (name: string) => unknown;
  readonly method: string;
  /** Over gRPC: as the coordinator signs it. */
  readonly target: string;
  readonly body: Buffer;
}

/** The key whose signature a call has, or why it has no valid one. */
export type Checked = { readonly signedBy: KeyKind } | { readonly reason: string };

/** Verifies the calls of one participants' process. */
export class CallCheck {
  readonly #keys: readonly (readonly [KeyKind, string])[];
  readonly #hosts: string[] = [];
  /** One per key, so that the journal shows which key was used; made when the hosts are known. */
  #verifiers: readonly (readonly [KeyKind, ReturnType<typeof createCallVerifier>])[] | undefined;

  constructor({
    hmac,
    ed25519,
  }: {
    readonly hmac: string;
    readonly ed25519: Pick<SigningKeys['ed25519'], 'publicKey'>;
  }) {
    this.#keys = [
      ['hmac', hmac],
      ['ed25519', ed25519.publicKey],
    ];
  }

  /** Accepts calls that were signed for this host, such as `127.0.0.1:8080`; before the first. */
  acceptHost(host: string): void {
    this.#hosts.push(host);
  }

  async check({ header, ...call }: ArrivedCall): Promise<Checked> {
    const reasons: string[] = [];
    this.#verifiers ??= this.#keys.map(([kind, key]) => [
      kind,
      createCallVerifier({ keys: [key], hosts: this.#hosts }),
    ]);
    for (const [signedBy, verifier] of this.#verifiers) {
      try {
        await verifier.verify(verifier.read(header), call);
        return { signedBy };
      } catch (error) {
        reasons.push(error instanceof Error ? error.message : String(error));
      }
    }
    return { reason: [...new Set(reasons)].join('; ') };
  }
}
