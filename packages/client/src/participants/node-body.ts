import type { IncomingMessage, ServerResponse } from 'node:http';
import type { BranchResponse, BranchRequest } from './branch-server.ts';
import { parseBytes, tooLong } from './json-body.ts';

/** Returns the headers of a request by name. */
export const headerOf =
  ({ headers }: Pick<IncomingMessage, 'headers'>): BranchRequest['header'] =>
  (name) =>
    headers[name];

/**
 * The URL that the coordinator called. Express, Connect and Fastify (`rewriteUrl`) keep it when
 * they change `url`, as for a router that is mounted below a path.
 */
export const originalUrlOf = (request: IncomingMessage & { readonly originalUrl?: unknown }): string | undefined =>
  typeof request.originalUrl === 'string' ? request.originalUrl : request.url;

/**
 * Reads a body of bounded length as JSON; undefined when there is none.
 *
 * @throws an error if a middleware has read the body or a part of it without storing it
 */
export async function readJson(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  return parseBytes(await readBytes(request, maxBytes));
}

/**
 * Reads a body of bounded length.
 *
 * @throws an error if a middleware has read the body or a part of it without storing it
 */
export async function readBytes(request: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const readBefore = request.readableDidRead;
  const chunks: Buffer[] = [];
  let bytes = 0;
  // A body that is too long must not close the connection, on which the response is still sent.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLong(maxBytes);
    chunks.push(chunk);
  }
  const announced = request.headers['content-length'];
  // Otherwise the payload would be missing or incomplete.
  if (announced === undefined ? readBefore : bytes !== Number(announced))
    throw new Error(
      'the body of the call was read before the branch could read it: put its route before what reads it',
    );
  return Buffer.concat(chunks);
}

export function send(request: IncomingMessage, response: ServerResponse, { status, text }: BranchResponse): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    // The unread rest of a body would be parsed as the next request.
    ...(request.complete ? {} : { connection: 'close' }),
  });
  response.end(text);
}
