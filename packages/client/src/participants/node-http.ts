import type { IncomingMessage, ServerResponse } from 'node:http';
import { LIMITS } from '@holdfast/protocol';
import { answerBranchCall, type BranchAnswer } from './answer.ts';
import { BadBranchCall, type BranchHandler, type BranchOptions } from './call.ts';

export type { BranchCallContext, BranchHandler, BranchOptions } from './call.ts';
export { BranchFailure, BranchOngoing } from '@holdfast/protocol';

export interface NodeBranchOptions<Payload> extends BranchOptions<Payload> {
  /** A longer body is answered with 413. Default: 1 MiB, the coordinator's own limit of a payload. */
  readonly maxBodyBytes?: number;
}

/**
 * A listener for `node:http` that serves one branch URL: reads the call, runs the handler, and answers the coordinator with what came of it. The
 * promise never rejects.
 *
 *     createServer((request, response) => { if (request.url?.startsWith('/debit')) void debit(request, response) })
 */
export function branch<Payload = unknown>(
  handler: BranchHandler<Payload>,
  options: NodeBranchOptions<Payload> = {},
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const maxBodyBytes = options.maxBodyBytes ?? LIMITS.payloadBytes;
  return async (request, response) => {
    const query = new URL(request.url ?? '/', 'http://branch').searchParams;
    const answer = await answerBranchCall(handler, options, query, () => readJson(request, maxBodyBytes));
    send(request, response, answer);
  };
}

/** Payloads come with POST; a step without a payload is called with GET. */
async function readJson(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  if (request.method !== 'POST' && request.method !== 'GET') {
    throw new BadBranchCall(405, `a coordinator calls with POST or GET, not ${request.method}`);
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  // A body that is too long must not take the connection with it: the answer still goes out on it.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new BadBranchCall(413, `the body exceeds ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  if (bytes === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch (error) {
    throw new BadBranchCall(400, 'the body is not JSON', { cause: error });
  }
}

function send(request: IncomingMessage, response: ServerResponse, answer: BranchAnswer): void {
  if (response.destroyed) return;
  const text = JSON.stringify(answer.body);
  response.writeHead(answer.status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    // The rest of a body that was not read would be taken for the next request.
    ...(request.complete ? {} : { connection: 'close' }),
  });
  response.end(text);
}
