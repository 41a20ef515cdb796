import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import type { OpId } from './journal.ts';
import { closerOf } from './close-server.ts';
import { RUN_PATH } from './participant-urls.ts';
import { type Outcome, type ParticipantParts, serveCall } from './served-call.ts';
import type { RunRequest } from './workflow-initiator.ts';

const HTTP_STATUS: Record<Outcome | 'unverified', number> = {
  success: 200,
  failure: 409,
  ongoing: 425,
  unknown: 500,
  unverified: 401,
};

/** The running participants. */
export interface Participants {
  readonly server: Server | SecureServer;
  /**
   * Accepts no more calls. Resolves when the calls in progress are done, including those whose
   * caller has timed out.
   */
  close(): Promise<void>;
}

/**
 * The branches of the transactions, as an HTTP server over one bank, and the initiator of
 * workflows. The parameters that the caller adds to a URL specify the op and branch.
 */
export function createParticipants(parts: ParticipantParts): Participants {
  const running = new Set<Promise<void>>();
  const listener: RequestListener = (request, response) => {
    const call: Promise<void> = serve(parts, request, response).then(() => void running.delete(call), abandon);
    running.add(call);
  };
  const { secured } = parts;
  const server =
    secured === undefined
      ? createServer(listener)
      : createSecureServer({ cert: secured.certificate, key: secured.key }, listener);
  return { server, close: closerOf(server, running) };
}

/** A bug of this test, not of the coordinator: better no journal than a wrong one. */
export function abandon(error: unknown): never {
  console.error(error);
  process.exit(70);
}

async function serve(parts: ParticipantParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://participants');
  const body = await bodyOf(request);
  // The caller was killed in the middle of its request, which is therefore ignored.
  if (body === undefined) return;
  if (url.pathname === RUN_PATH) return runWorkflow(parts, body.toString(), response);
  const caller = { from: request.socket.remoteAddress ?? '', protocol: 'http' } as const;
  const call = callOf(url.searchParams);
  const { method = '', headers } = request;
  const arrived = { header: (name: string) => headers[name], method, target: request.url ?? '/', body };
  await serveCall(parts, {
    url,
    call,
    body: body.toString(),
    caller,
    arrived,
    respond: (outcome) => respond(response, outcome),
  });
}

/** A client's call. The workflow's steps write their lines to the journal separately. */
async function runWorkflow({ initiator }: ParticipantParts, body: string, response: ServerResponse): Promise<void> {
  const ended = await initiator().run(JSON.parse(body) as RunRequest);
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(ended));
}

function respond(response: ServerResponse, outcome: Outcome | 'lost' | 'unverified'): void {
  if (outcome === 'lost') return void response.destroy();
  const result = outcome === 'unknown' || outcome === 'unverified' ? {} : { dtm_result: outcome.toUpperCase() };
  const text = JSON.stringify({ ...result, message: `the participant returns ${outcome}` });
  response.writeHead(HTTP_STATUS[outcome], { 'content-type': 'application/json' }).end(text);
}

function callOf(query: URLSearchParams): OpId {
  return { gid: query.get('gid') ?? '', branchId: query.get('branch_id') ?? '', op: query.get('op') ?? '' };
}

/** The whole body; undefined if the connection broke before its end. */
async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  } catch (error) {
    if (request.readableAborted) return undefined;
    throw error;
  }
}
