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
  readonly #hosts: string[] = [];
  readonly #verifiers: readonly (readonly [KeyKind, ReturnType<typeof createCallVerifier>])[];

  constructor({
    hmac,
    ed25519,
  }: {
    readonly hmac: string;
    readonly ed25519: Pick<SigningKeys['ed25519'], 'publicKey'>;
  }) {
    // One verifier per key, so that the journal shows which key was used.
    this.#verifiers = [
      ['hmac', createCallVerifier({ keys: [hmac], hosts: this.#hosts })],
      ['ed25519', createCallVerifier({ keys: [ed25519.publicKey], hosts: this.#hosts })],
    ];
  }

  /** Accepts calls that were signed for this host, such as `127.0.0.1:8080`. */
  acceptHost(host: string): void {
    this.#hosts.push(host);
  }

  async check({ header, ...call }: ArrivedCall): Promise<Checked> {
    const reasons: string[] = [];
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
