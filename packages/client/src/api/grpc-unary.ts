import type { Client, Metadata, ServiceError } from '@grpc/grpc-js';
import type { Ending } from './ending.ts';

/** The end of a unary call. */
export type UnaryEnd =
  | { readonly isOk: true; readonly message: Buffer; readonly metadata: Metadata | undefined }
  /** Of the response, or of the library, if there was none. */
  | { readonly isOk: false; readonly error: ServiceError; readonly metadata: Metadata | undefined };

export interface UnaryCall {
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly message: Buffer;
  readonly metadata: Metadata;
  /** Infinity: none. */
  readonly timeoutMs: number;
}

const asBytes = (bytes: Buffer): Buffer => bytes;

/** The content type of a response; empty: none, or there was no response. */
export const contentTypeOf = (headers: Metadata | undefined): string => String(headers?.get('content-type')[0] ?? '');

/** Makes one call with messages as bytes. Never rejects; the ending cancels the call. */
export function unary(
  client: Client,
  { path, message, metadata, timeoutMs }: UnaryCall,
  ending: Pick<Ending, 'signal'>,
): Promise<UnaryEnd> {
  return new Promise((resolve) => {
    let received: Metadata | undefined;
    const deadline = timeoutMs === Infinity ? Infinity : Date.now() + timeoutMs;
    const call = client.makeUnaryRequest(path, asBytes, asBytes, message, metadata, { deadline }, (error, value) => {
      ending.signal.removeEventListener('abort', cancel);
      resolve(
        error === null
          ? { isOk: true, message: value ?? Buffer.alloc(0), metadata: received }
          : { isOk: false, error, metadata: received ?? error.metadata },
      );
    });
    const cancel = (): void => call.cancel();
    call.on('metadata', (initial: Metadata) => {
      received = initial;
    });
    ending.signal.addEventListener('abort', cancel, { once: true });
  });
}
