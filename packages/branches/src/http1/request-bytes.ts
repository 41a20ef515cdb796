export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** Path and query in the form of `URL`: ASCII without blanks or control characters. */
  readonly path: string;
  /** Host and port, in the form of `URL`. */
  readonly host: string;
  /** Header lines, each with CR LF; see `headerLines`. */
  readonly headers: string;
  readonly body: Uint8Array | string | null;
  /** Signs the request each time that it is sent; undefined: requests are not signed. */
  readonly signature?: RequestSignature | undefined;
}

/** The signature of a request, made when it is sent. */
export interface RequestSignature {
  /** Further header lines for this request, each with CR LF. */
  linesFor(request: HttpRequest): string;
}

/** Header lines of a request, with those of its signature. */
export const signedHeaders = (request: HttpRequest): string =>
  request.signature === undefined ? request.headers : request.headers + request.signature.linesFor(request);

/** A request in wire form (RFC 9112), in one piece. */
export function requestBytes(request: HttpRequest): Buffer {
  const { method, path, host, body } = request;
  const headers = signedHeaders(request);
  const start = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive\r\naccept-encoding: identity\r\n${headers}`;
  if (body === null) return Buffer.from(`${start}${method === 'POST' ? 'content-length: 0\r\n' : ''}\r\n`, 'latin1');
  const bodyLength = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
  const head = `${start}content-length: ${bodyLength}\r\n\r\n`;
  const bytes = Buffer.allocUnsafe(head.length + bodyLength);
  bytes.write(head, 0, 'latin1');
  if (typeof body === 'string') bytes.write(body, head.length, 'utf8');
  else bytes.set(body, head.length);
  return bytes;
}
