import { nonceOf } from './nonce.ts';
import { type Body, bodyPrefix, callContent, SIGNATURE_HEADERS } from './signature.ts';
import type { SigningKey } from './signing-key.ts';

/** One request, as it is sent. */
export interface SignedRequest {
  /** See `callId`. */
  readonly id: string;
  readonly method: string;
  /** Path and query; over gRPC see `grpcTarget`. */
  readonly target: string;
  /** Host and port that it is sent to. */
  readonly host: string;
  readonly body: Body;
}

/** The headers of a signed call, by their names in lower case. */
export type SignatureFields = Readonly<Record<(typeof SIGNATURE_HEADERS)[keyof typeof SIGNATURE_HEADERS], string>>;

/** Signs the calls of one process with all of its keys. */
export class CallSigner {
  readonly #keys: () => readonly SigningKey[];
  readonly #nowMs: () => number;
  readonly #process: string;
  #requests = 0;

  /**
   * @param keys the current keys: all of them sign, in this order
   * @param process begins the nonces: random, at most 64 characters of `A-Z a-z 0-9 - _`
   * @param nowMs milliseconds since the epoch
   */
  constructor(keys: () => readonly SigningKey[], process: string, nowMs: () => number) {
    this.#keys = keys;
    this.#process = process;
    this.#nowMs = nowMs;
  }

  /**
   * The public keys of those that have one, as `whpk_…`, by which participants verify calls.
   */
  get publicKeys(): readonly string[] {
    return this.#keys().flatMap(({ publicKey }) => (publicKey === undefined ? [] : [publicKey]));
  }

  /** Signs a request at the time when it is sent. A request that is sent again is signed again. */
  sign(request: SignedRequest): SignatureFields {
    const { timestamp, nonce, ofBody, ofCall } = this.#signed(request);
    return {
      [SIGNATURE_HEADERS.id]: request.id,
      [SIGNATURE_HEADERS.timestamp]: timestamp,
      [SIGNATURE_HEADERS.signature]: ofBody,
      [SIGNATURE_HEADERS.nonce]: nonce,
      [SIGNATURE_HEADERS.host]: request.host,
      [SIGNATURE_HEADERS.call]: ofCall,
    };
  }

  /**
   * The headers of `sign` as lines of HTTP/1.1, each with CR LF. Costs less than to write them one
   * by one.
   */
  signedLines(request: SignedRequest): string {
    const { timestamp, nonce, ofBody, ofCall } = this.#signed(request);
    return (
      `${SIGNATURE_HEADERS.id}: ${request.id}\r\n` +
      `${SIGNATURE_HEADERS.timestamp}: ${timestamp}\r\n` +
      `${SIGNATURE_HEADERS.signature}: ${ofBody}\r\n` +
      `${SIGNATURE_HEADERS.nonce}: ${nonce}\r\n` +
      `${SIGNATURE_HEADERS.host}: ${request.host}\r\n` +
      `${SIGNATURE_HEADERS.call}: ${ofCall}\r\n`
    );
  }

  #signed({ id, method, target, host, body }: SignedRequest): Signed {
    const timestamp = String(Math.floor(this.#nowMs() / 1_000));
    const nonce = nonceOf({ process: this.#process, request: ++this.#requests });
    const parts = { nonce, method, target, host, id, timestamp };
    const prefix = bodyPrefix(id, timestamp);
    let ofBody = '';
    let ofCall = '';
    for (const key of this.#keys()) {
      const signature = key.sign(prefix, body);
      const separator = ofBody === '' ? '' : ' ';
      ofBody += separator + signature;
      ofCall += separator + key.sign(callContent(parts, signature), '');
    }
    return { timestamp, nonce, ofBody, ofCall };
  }
}

/** What signing adds to a request. */
interface Signed {
  readonly timestamp: string;
  readonly nonce: string;
  readonly ofBody: string;
  readonly ofCall: string;
}
