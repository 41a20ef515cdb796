import http from 'node:http';
import https from 'node:https';

/** Why a document could not be fetched: a clause without any part of the response. */
export class FetchFault extends Error {
  override readonly name = 'FetchFault';
}

export interface FetchOptions {
  /** Authorities, PEM, instead of the system's. */
  readonly ca: readonly string[] | undefined;
  /** Ends the request: it took too long, or the server stops. */
  readonly signal: AbortSignal;
}

/** Longest document. The keys of large providers have a few kilobytes. */
export const MAX_DOCUMENT_BYTES = 256 * 1024;

/**
 * Fetches a JSON document. Redirects are not followed: the host that signs must be the host that
 * is configured. Rejects with `FetchFault`.
 */
export async function fetchJson(url: URL, options: FetchOptions): Promise<unknown> {
  let text: string;
  try {
    text = await fetchText(url, options);
  } catch (error) {
    throw error instanceof FetchFault ? error : new FetchFault(reasonOf(error, options.signal));
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new FetchFault('the response is not JSON');
  }
}

function fetchText(url: URL, { ca, signal }: FetchOptions): Promise<string> {
  const { promise, resolve, reject } = withResolvers<string>();
  const headers = { accept: 'application/json', 'accept-encoding': 'identity', 'user-agent': 'holdfast' };
  const plain = { agent: false, headers, signal, maxHeaderSize: 16 * 1024 } as const;
  const request =
    url.protocol === 'https:'
      ? https.get(url, { ...plain, minVersion: 'TLSv1.2', ...(ca !== undefined && { ca: [...ca] }) })
      : http.get(url, plain);
  request.on('error', reject);
  request.on('response', (response) => {
    const fail = (text: string): void => {
      reject(new FetchFault(text));
      request.destroy();
    };
    const { statusCode = 0 } = response;
    if (statusCode >= 300 && statusCode < 400) return fail(`redirects are not followed (status ${statusCode})`);
    if (statusCode !== 200) return fail(`the response has the status ${statusCode}`);
    const pieces: Buffer[] = [];
    let length = 0;
    response.on('data', (piece: Buffer) => {
      length += piece.length;
      if (length > MAX_DOCUMENT_BYTES) return fail(`the response is longer than ${MAX_DOCUMENT_BYTES} bytes`);
      pieces.push(piece);
    });
    response.on('error', reject);
    response.on('end', () => resolve(Buffer.concat(pieces).toString('utf8')));
  });
  return promise;
}

function withResolvers<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  return { promise, resolve, reject };
}

function reasonOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return 'no complete response arrived in time';
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return `the connection failed${code === '' ? '' : ` (${code})`}`;
}
