import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bank } from './bank.ts';
import { faultOfCall, readFault, type FaultKind } from './fault.ts';
import type { Effect, OpId } from './journal.ts';
import { CHECK_PATH, LOCAL_PATH } from './participant-urls.ts';

/** What a participant says at the end of a call. */
type Said = 'success' | 'failure' | 'ongoing' | 'unknown';

const HTTP_STATUS: Record<Said, number> = { success: 200, failure: 409, ongoing: 425, unknown: 500 };

/** The running participants. */
export interface Participants {
  readonly server: Server;
  /** Takes no more calls; returns when the ones under way are done, also those whose caller has given up. */
  close(): Promise<void>;
}

/**
 * The branches of the transactions, as an HTTP server over one bank. The URL says how a call misbehaves (`fault.ts`), the body what is to be
 * done, and the parameters that the caller adds which op of which branch it is.
 */
export function createParticipants(bank: Bank): Participants {
  const running = new Set<Promise<void>>();
  const server = createServer((request, response) => {
    const call: Promise<void> = serve(bank, request, response).then(() => void running.delete(call), giveUp);
    running.add(call);
  });
  return {
    server,
    async close() {
      server.close();
      await Promise.all(running);
      server.closeAllConnections();
    },
  };
}

/** A bug of this test, not of the coordinator: better no journal than a wrong one. */
function giveUp(error: unknown): never {
  console.error(error);
  process.exit(70);
}

async function serve(bank: Bank, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://participants');
  const call = callOf(url.searchParams);
  const body = await bodyOf(request);
  // The caller was killed in the middle of its request: nobody asked for anything.
  if (body === undefined) return;
  const effect = effectOf(body);
  const count = bank.called(call, url.searchParams.get('for') ?? '');
  const fault = readFault(url.searchParams.get('fault'));
  const meets = faultOfCall(fault, count);

  if (meets === 'late') await delay(fault.delayMs);
  const said = refusal(meets) ?? work(bank, url.pathname, call, effect);
  if (meets === 'slow') await delay(fault.delayMs);

  bank.answered(call, meets === 'lost' ? 'lost' : said);
  if (meets === 'lost') response.destroy();
  else answer(response, said);
}

/** What a call that meets this fault is told without any work being done; undefined if the work is done. */
function refusal(meets: FaultKind): Said | undefined {
  if (meets === 'refuse') return 'failure';
  return meets === 'unknown' || meets === 'ongoing' ? meets : undefined;
}

function work(bank: Bank, path: string, call: OpId, effect: Effect | undefined): Said {
  if (path === CHECK_PATH) return bank.askLocal(call) ? 'success' : 'failure';
  if (effect === undefined) return 'unknown';
  if (path === LOCAL_PATH) return bank.commitLocal(call, effect) ? 'success' : 'failure';
  bank.apply(call, effect);
  return 'success';
}

function answer(response: ServerResponse, said: Said): void {
  const result = said === 'unknown' ? {} : { dtm_result: said.toUpperCase() };
  const text = JSON.stringify({ ...result, message: `the participant says ${said}` });
  response.writeHead(HTTP_STATUS[said], { 'content-type': 'application/json' }).end(text);
}

function callOf(query: URLSearchParams): OpId {
  return { gid: query.get('gid') ?? '', branchId: query.get('branch_id') ?? '', op: query.get('op') ?? '' };
}

/** The effect that a body asks for; undefined if it is not one of this test's bodies, which a broken coordinator may send. */
function effectOf(body: string): Effect | undefined {
  try {
    const { account, amount } = JSON.parse(body) as Partial<Effect>;
    return typeof account === 'string' && typeof amount === 'number' ? { account, amount } : undefined;
  } catch {
    return undefined;
  }
}

/** The whole body; undefined if the connection broke before its end. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString();
  } catch (error) {
    if (request.readableAborted) return undefined;
    throw error;
  }
}
