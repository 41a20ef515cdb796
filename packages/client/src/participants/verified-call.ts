import { CallNotVerified, CallVerifier, type StatedSignature, type VerifyOptions } from '@holdfast/protocol/signing';
import { BadBranchCall } from './call.ts';

/**
 * Verifies signed calls in code that is not served by `branch`: the receiver of an alert, a
 * JSON-RPC server.
 *
 *     const verifier = createCallVerifier({ keys: [secret] });
 *     const stated = verifier.read((name) => request.headers[name]);
 *     await verifier.verify(stated, { method: 'POST', target: request.url, body });
 *
 * @throws {TypeError} an option is wrong, such as a malformed key
 */
export const createCallVerifier = (options: VerifyOptions): CallVerifier =>
  new CallVerifier(options, { wallMs: () => Date.now(), monotonicMs: () => performance.now() });

/** One per options object: branches that share the object share its memory of received calls. */
const verifiers = new WeakMap<VerifyOptions, CallVerifier>();

/**
 * The verifier of a branch; undefined if its calls are not verified.
 *
 * @throws {TypeError} an option is wrong, such as a malformed key
 */
export function verifierOf(options: VerifyOptions | undefined): CallVerifier | undefined {
  if (options === undefined) return undefined;
  const known = verifiers.get(options);
  if (known !== undefined) return known;
  const verifier = createCallVerifier(options);
  verifiers.set(options, verifier);
  return verifier;
}

/** The parts of a call that its signature covers. */
export interface VerifiableCall {
  readonly method: string;
  readonly target: () => string;
  readonly header: (name: string) => unknown;
  /** Bytes of the body as they were received. Called once, after the headers were checked. */
  readonly readBytes: () => Uint8Array | Promise<Uint8Array>;
}

/**
 * The body of a call that a coordinator has signed.
 *
 * @throws {BadBranchCall} the call is not accepted
 */
export async function verifiedBody(verifier: CallVerifier, call: VerifiableCall): Promise<Uint8Array> {
  const { method, target, header, readBytes } = call;
  const stated = inCall<StatedSignature>(() => verifier.read(header));
  const body = await readBytes();
  const received = { method, target: target(), body };
  await verifier.verify(stated, received).catch(reject);
  return body;
}

function inCall<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    return reject(error);
  }
}

function reject(error: unknown): never {
  throw error instanceof CallNotVerified ? new BadBranchCall(401, error.message, { cause: error }) : error;
}
