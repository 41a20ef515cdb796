import { HoldfastError } from '@holdfast/protocol';
import { RETRY_PUSHBACK } from '@holdfast/protocol/grpc';
import { ErrorResponse } from '../error-response.ts';

const WHOLE = /^\d{1,9}$/;

/**
 * The time after which an error allows the request to be repeated, in ms; undefined if it states
 * none. It may be an error response over HTTP, the status of a gRPC call, or an error of a
 * coordinator in this process.
 */
export function retryAfterOf(error: unknown): number | undefined {
  if (error instanceof ErrorResponse || error instanceof HoldfastError) return error.retryAfterMs;
  const stated = trailerOf(error, RETRY_PUSHBACK);
  return typeof stated === 'string' && WHOLE.test(stated) ? Number(stated) : undefined;
}

/** Whether an error is the response of a coordinator, which states a code. */
export function isOfCoordinator(error: unknown): boolean {
  if (error instanceof ErrorResponse) return error.problem !== undefined;
  return error instanceof HoldfastError || trailerOf(error, 'holdfast-code') !== undefined;
}

/** A trailer of the gRPC call that an error is of. */
function trailerOf(error: unknown, name: string): unknown {
  if (!(error instanceof Error) || !('metadata' in error)) return undefined;
  const metadata = error.metadata as { readonly get?: (name: string) => readonly unknown[] | undefined } | undefined;
  return metadata?.get?.(name)?.[0];
}

/**
 * The value of `Retry-After` in ms, of a response that rejects too many requests. That of a 503 is
 * not used: another node may serve the request at once.
 */
export function retryAfterIn(
  status: number,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): number | undefined {
  const value = headers['retry-after'];
  return status === 429 && typeof value === 'string' && WHOLE.test(value) ? Number(value) * 1_000 : undefined;
}
