import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent } from 'undici';
import { faultOfCall, readFault } from '../fault.ts';

/**
 * The network between callers and participants, with the faults that the URLs of branches specify.
 */
export interface Relay {
  /** URL of a participant, through the relay. */
  urlOf(participant: number): string;
  /** Waits for the calls that are still held back, then ends. */
  close(): Promise<void>;
}

interface Call {
  readonly origin: string;
  readonly path: string;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Passed on to participants. */
const HEADERS = ['content-type', 'holdfast-url-coordinates'];

/**
 * Starts the relay. It outlives the participants, so that calls arrive twice, late or not at all
 * whatever happens to those.
 *
 * @param origins of the participants
 */
export async function startRelay(origins: readonly string[], happened: (kind: string) => void): Promise<Relay> {
  const agent = new Agent({ connections: 200, headersTimeout: 60_000 });
  const counts = new Map<string, number>();
  const held = new Set<Promise<unknown>>();

  const forward = async ({ origin, ...request }: Call): Promise<{ code: number; text: string } | undefined> => {
    try {
      const response = await agent.request({ origin, ...request });
      return { code: response.statusCode, text: await response.body.text() };
    } catch {
      return undefined; // The participant was killed.
    }
  };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://relay');
    const [, participant = ''] = url.pathname.split('/', 2);
    const call: Call = {
      origin: origins[Number(participant)] ?? '',
      path: url.pathname.slice(participant.length + 1) + url.search,
      method: request.method === 'GET' ? 'GET' : 'POST',
      headers: headersOf(request),
      body: await bodyOf(request),
    };
    const key = ['gid', 'branch_id', 'op'].map((name) => url.searchParams.get(name)).join(' ');
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    const fault = readFault(url.searchParams.get('fault'));
    switch (faultOfCall(fault, count)) {
      case 'twice':
        happened('call twice');
        keep(
          held,
          delay(fault.delayMs).then(() => forward(call)),
        );
        return reply(response, await forward(call));
      case 'late':
        happened('call late');
        await delay(fault.delayMs);
        return reply(response, await forward(call));
      case 'lost':
        happened('response of a call lost');
        await forward(call);
        return void response.destroy();
      case 'unknown':
        happened('call not delivered');
        return reply(response, { code: 500, text: '{"message":"the relay did not deliver it"}' });
      default:
        return reply(response, await forward(call));
    }
  };

  const server = createServer((request, response) => {
    keep(
      held,
      serve(request, response).catch(() => response.destroy()),
    );
  });
  const port = await listening(server);
  return {
    urlOf: (participant) => `http://127.0.0.1:${port}/${participant}`,
    async close() {
      await Promise.all(held);
      server.close();
      server.closeAllConnections();
      await agent.destroy();
    },
  };
}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function keep(held: Set<Promise<unknown>>, call: Promise<unknown>): void {
  const kept = call.finally(() => held.delete(kept));
  held.add(kept);
}

function reply(response: ServerResponse, relayed: { readonly code: number; readonly text: string } | undefined): void {
  if (relayed === undefined) response.destroy();
  else response.writeHead(relayed.code, { 'content-type': 'application/json' }).end(relayed.text);
}

function headersOf({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    HEADERS.flatMap((name) => (typeof headers[name] === 'string' ? [[name, headers[name]] as const] : [])),
  );
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
