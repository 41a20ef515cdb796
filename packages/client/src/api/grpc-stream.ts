import type { Client, Metadata, ServiceError } from '@grpc/grpc-js';
import type { Ending } from './ending.ts';

/** A call with one request and a stream of responses. */
export interface StreamCall {
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly message: Buffer;
  readonly metadata: Metadata;
}

const asBytes = (bytes: Buffer): Buffer => bytes;

/**
 * The responses of a call, as bytes. Throws a `ServiceError` for a status other than OK. The ending
 * and leaving the loop cancel the call. While a response is handled, no further ones are read.
 */
export async function* serverStream(
  client: Client,
  { path, message, metadata }: StreamCall,
  ending: Pick<Ending, 'signal'>,
): AsyncGenerator<Buffer, void, undefined> {
  // `@grpc/grpc-js` sends the server no cancellation of a call that ends in the turn in which it
  // began, so the server would keep the stream.
  if (ending.signal.aborted) return;
  const call = client.makeServerStreamRequest(path, asBytes, asBytes, message, metadata);
  const cancel = (): void => call.cancel();
  // An error after the loop was left.
  call.on('error', () => undefined);
  ending.signal.addEventListener('abort', cancel, { once: true });
  try {
    for await (const response of call) yield response as Buffer;
  } finally {
    ending.signal.removeEventListener('abort', cancel);
    cancel();
  }
}

/** Whether an error is the status of a call. */
export const isServiceError = (thrown: unknown): thrown is ServiceError =>
  thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'number' && 'metadata' in thrown;
