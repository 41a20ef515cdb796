/** Carries the type of the payload; has no value at run time. */
declare const PAYLOAD: unique symbol;

/**
 * One branch URL and what it is sent: the initiator's payload and the participant's handler get
 * their type from it. For a gRPC method (`grpc://bank-a:9000/bank.Bank/Debit`) the payload is the
 * encoded message, a `Uint8Array`, or JSON if the method's messages are JSON texts.
 *
 *     export const debit = declareBranch<{ account: string; amount: number }>('http://bank-a/debit');
 *
 *     hf.saga().step({ action: debit, compensate: refund, payload: { account: 'a', amount: 30 } });
 *     app.post('/debit', branch(async (call) => take(call.payload.amount), { of: debit }));
 */
export interface BranchDeclaration<Payload> {
  readonly url: string;
  /**
   * Validates the body at the participant, for example a schema's `parse`. If it throws, the
   * response is 400.
   */
  readonly parse?: (body: unknown) => Payload;
  readonly [PAYLOAD]?: (payload: Payload) => Payload;
}

/** A branch: its URL, or its declaration. */
export type BranchTarget<Payload> = string | BranchDeclaration<Payload>;

/** Declares a branch; `local://NAME` for one of this process. */
export function declareBranch<Payload = undefined>(
  url: string,
  parse?: (body: unknown) => Payload,
): BranchDeclaration<Payload> {
  return parse === undefined ? { url } : { url, parse };
}

/** The payload beside a branch: required unless the branch takes none, or its type is not known. */
export type WithPayload<Payload> = undefined extends Payload
  ? { /** JSON, or bytes (`Uint8Array`). Left out: the call has none. */ readonly payload?: NoInfer<Payload> }
  : { /** JSON, or bytes (`Uint8Array`). */ readonly payload: NoInfer<Payload> };

/**
 * Throws a TypeError if the target is not a branch, which code without type checks may omit by
 * mistake.
 */
export function urlOf(target: string | { readonly url: string }): string {
  const url: unknown = typeof target === 'string' ? target : (target as { readonly url?: string } | undefined)?.url;
  if (typeof url === 'string') return url;
  throw new TypeError('a branch is missing: it is a URL or a declared branch, or null where there is nothing to do');
}
