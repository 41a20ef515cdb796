import { type TlsFault, tlsFaultOf } from '@holdfast/protocol';

/** Errors of connections that were never established. */
const CODES: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/**
 * The client itself rejected the certificate, before its first request. What the server rejects, it
 * may reject later.
 */
const REJECTED_BY_CLIENT: ReadonlySet<TlsFault | undefined> = new Set(['authority', 'certificate', 'name']);

/** Calls of the operating system on a connection that is established. */
const ESTABLISHED: ReadonlySet<unknown> = new Set(['read', 'write', 'writev', 'shutdown']);

/**
 * Whether an error shows that its request was not sent, so that it was certainly not carried out.
 * An established connection whose route is lost also ends with `EHOSTUNREACH`, after its request
 * may have arrived.
 */
export function isNeverSent(error: unknown): boolean {
  if (REJECTED_BY_CLIENT.has(tlsFaultOf(error))) return true;
  if (typeof error !== 'object' || error === null || !('code' in error) || !CODES.has(error.code)) return false;
  return !('syscall' in error && ESTABLISHED.has(error.syscall));
}
