import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bank } from './bank.ts';
import { faultOfCall, readFault, type FaultKind } from './fault.ts';
import type { Effect, OpId } from './journal.ts';
import { CALL_BACK_PATH, CHECK_PATH, LOCAL_PATH, madeFor, RUN_PATH } from './participant-urls.ts';
import type { RunRequest, WorkflowInitiator, WorkflowInput } from './workflow-initiator.ts';

/** The result that a participant responds with. */
type Outcome = 'success' | 'failure' | 'ongoing' | 'unknown';

const HTTP_STATUS: Record<Outcome, number> = { success: 200, failure: 409, ongoing: 425, unknown: 500 };

/** The running participants. */
export interface Participants {
  readonly server: Server;
  /**
   * Accepts no more calls. Resolves when the calls in progress are done, including those whose
   * caller has timed out.
   */
  close(): Promise<void>;
}

/**
 * The branches of the transactions, as an HTTP server over one bank, and the initiator of
 * workflows. The URL of a call contains the fault (`fault.ts`), the body the effect, and the
 * parameters that the caller adds the op and branch.
 */
export function createParticipants(bank: Bank, initiator: () => WorkflowInitiator): Participants {
  const running = new Set<Promise<void>>();
  const server = createServer((request, response) => {
    const call: Promise<void> = serve(bank, initiator, request, response).then(
      () => void running.delete(call),
      abandon,
    );
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
function abandon(error: unknown): never {
  console.error(error);
  process.exit(70);
}

/** One request. */
interface Exchange {
  readonly bank: Bank;
  readonly url: URL;
  /** The op and branch that the caller specifies. */
  readonly call: OpId;
  readonly body: string;
  /** The caller's address. */
  readonly from: string;
  readonly response: ServerResponse;
}

async function serve(
  bank: Bank,
  initiator: () => WorkflowInitiator,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://participants');
  const body = await bodyOf(request);
  // The caller was killed in the middle of its request, which is therefore ignored.
  if (body === undefined) return;
  const from = request.socket.remoteAddress ?? '';
  const exchange = { bank, url, call: callOf(url.searchParams), body, from, response };
  switch (url.pathname) {
    case RUN_PATH:
      return runWorkflow(exchange, initiator());
    case CALL_BACK_PATH:
      return callWorkflowBack(exchange, initiator());
    default:
      return serveBranch(exchange);
  }
}

/** A client's call. The workflow's steps write their lines to the journal separately. */
async function runWorkflow({ body, response }: Exchange, initiator: WorkflowInitiator): Promise<void> {
  const ended = await initiator.run(JSON.parse(body) as RunRequest);
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(ended));
}

async function callWorkflowBack(
  { bank, url, call, body, from, response }: Exchange,
  initiator: WorkflowInitiator,
): Promise<void> {
  const payload = inputOf(body);
  bank.called(call, madeFor({ ...call, gid: payload?.gid ?? '' }), from);
  const context = { ...call, transType: 'workflow', payload, query: url.searchParams } as const;
  const outcome = payload === undefined ? 'unknown' : await initiator.callback(context);
  bank.responded(call, outcome, from);
  respond(response, outcome);
}

async function serveBranch({ bank, url, call, body, from, response }: Exchange): Promise<void> {
  const effect = effectOf(body);
  const count = bank.called(call, url.searchParams.get('for') ?? '', from);
  const fault = readFault(url.searchParams.get('fault'));
  const meets = faultOfCall(fault, count);

  if (meets === 'late') await delay(fault.delayMs);
  const outcome = refusal(meets) ?? work(bank, url.pathname, call, effect);
  if (meets === 'slow') await delay(fault.delayMs);

  bank.responded(call, meets === 'lost' ? 'lost' : outcome, from);
  if (meets === 'lost') response.destroy();
  else respond(response, outcome);
}

/**
 * The result of a call that meets this fault, if no work is done; undefined if the work is done.
 */
function refusal(meets: FaultKind): Outcome | undefined {
  if (meets === 'refuse') return 'failure';
  return meets === 'unknown' || meets === 'ongoing' ? meets : undefined;
}

function work(bank: Bank, path: string, call: OpId, effect: Effect | undefined): Outcome {
  if (path === CHECK_PATH) return bank.checkLocal(call) ? 'success' : 'failure';
  if (effect === undefined) return 'unknown';
  if (path === LOCAL_PATH) return bank.commitLocal(call, effect) ? 'success' : 'failure';
  bank.apply(call, effect);
  return 'success';
}

function respond(response: ServerResponse, outcome: Outcome): void {
  const result = outcome === 'unknown' ? {} : { dtm_result: outcome.toUpperCase() };
  const text = JSON.stringify({ ...result, message: `the participant returns ${outcome}` });
  response.writeHead(HTTP_STATUS[outcome], { 'content-type': 'application/json' }).end(text);
}

function callOf(query: URLSearchParams): OpId {
  return { gid: query.get('gid') ?? '', branchId: query.get('branch_id') ?? '', op: query.get('op') ?? '' };
}

/**
 * The effect that a body specifies; undefined if it is not a body of this test, since a broken
 * coordinator may send any.
 */
function effectOf(body: string): Effect | undefined {
  try {
    const { account, amount } = JSON.parse(body) as Partial<Effect>;
    return typeof account === 'string' && typeof amount === 'number' ? { account, amount } : undefined;
  } catch {
    return undefined;
  }
}

/** A workflow's input; undefined if it is none. */
function inputOf(body: string): WorkflowInput | undefined {
  try {
    const input = JSON.parse(body) as Partial<WorkflowInput> | null;
    return typeof input?.gid === 'string' && Array.isArray(input.steps) ? (input as WorkflowInput) : undefined;
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
