import { setTimeout as delay } from 'node:timers/promises';
import type { Bank } from './bank.ts';
import { faultOfCall, readFault, type FaultKind } from './fault.ts';
import type { Caller, Effect, OpId } from './journal.ts';
import { CALL_BACK_PATH, CHECK_PATH, LOCAL_PATH, madeFor } from './participant-urls.ts';
import type { ArrivedCall } from './secured/call-check.ts';
import type { SecuredParticipants } from './secured/participants-security.ts';
import type { WorkflowInitiator, WorkflowInput } from './workflow-initiator.ts';

/** The result that a participant responds with. */
export type Outcome = 'success' | 'failure' | 'ongoing' | 'unknown';

/** A call that a participant received, over any protocol. */
export interface ServedCall {
  /** Path and parameters of the URL that a client made (`participant-urls.ts`). */
  readonly url: URL;
  /** The op and branch that the caller specifies. */
  readonly call: OpId;
  readonly body: string;
  readonly caller: Caller;
  /** Sends the response. `lost`: the call ends without a response. */
  readonly respond: (outcome: Outcome | 'lost' | 'unverified') => void;
  /** What the call's signature is checked by; not used if participants do not verify calls. */
  readonly arrived: ArrivedCall;
}

/** What participants work with. */
export interface ParticipantParts {
  readonly bank: Bank;
  readonly initiator: () => WorkflowInitiator;
  /** Undefined: neither TLS nor signatures. */
  readonly secured?: SecuredParticipants;
}

/**
 * Serves a call of the coordinator, or of a client in its name. The URL contains the fault
 * (`fault.ts`), the body the effect.
 */
export async function serveCall({ bank, initiator, secured }: ParticipantParts, arrived: ServedCall): Promise<void> {
  const served = secured === undefined ? arrived : await verified(bank, secured, arrived);
  if (served === undefined) return;
  await (served.url.pathname === CALL_BACK_PATH
    ? callWorkflowBack(bank, initiator(), served)
    : serveBranch(bank, served));
}

/** The call with the kind of key that signed it; undefined: the call was rejected. */
async function verified(
  bank: Bank,
  { calls }: SecuredParticipants,
  served: ServedCall,
): Promise<ServedCall | undefined> {
  const checked = await calls.check(served.arrived);
  if ('signedBy' in checked) return { ...served, caller: { ...served.caller, ...checked } };
  bank.unverified(served.call, checked.reason, served.caller);
  served.respond('unverified');
  return undefined;
}

async function callWorkflowBack(
  bank: Bank,
  initiator: WorkflowInitiator,
  { url, call, body, caller, respond }: ServedCall,
): Promise<void> {
  const payload = inputOf(body);
  bank.called(call, madeFor({ ...call, gid: payload?.gid ?? '' }), caller);
  const context = { ...call, transType: 'workflow', query: url.searchParams } as const;
  const outcome =
    payload === undefined ? 'unknown' : await initiator.callback({ ...context, payload }, caller.protocol);
  bank.responded(call, outcome, caller);
  respond(outcome);
}

async function serveBranch(bank: Bank, { url, call, body, caller, respond }: ServedCall): Promise<void> {
  const effect = effectOf(body);
  const count = bank.called(call, url.searchParams.get('for') ?? '', caller);
  const fault = readFault(url.searchParams.get('fault'));
  const meets = faultOfCall(fault, count);

  if (meets === 'late') await delay(fault.delayMs);
  const outcome = refusal(meets) ?? work(bank, url.pathname, call, effect);
  if (meets === 'slow') await delay(fault.delayMs);

  const result = meets === 'lost' ? 'lost' : outcome;
  bank.responded(call, result, caller);
  respond(result);
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
