/** What identifies a request of a process: `PROCESS-REQUEST`. */
export interface NonceParts {
  readonly process: string;
  /** Requests of a process are numbered in the order in which they are signed, from 1. */
  readonly request: number;
}

/** The nonce of a request. */
export const nonceOf = ({ process, request }: NonceParts): string => `${process}-${request.toString(36)}`;

/** The parts of a nonce. A nonce of any other form is a process with a single request. */
export function partsOfNonce(nonce: string): NonceParts {
  const at = nonce.lastIndexOf('-');
  const number = nonce.slice(at + 1);
  return at > 0 && NUMBER.test(number)
    ? { process: nonce.slice(0, at), request: Number.parseInt(number, 36) }
    : { process: nonce, request: 0 };
}

/** Up to 36^10, which is less than 2^53. */
const NUMBER = /^[0-9a-z]{1,10}$/;
