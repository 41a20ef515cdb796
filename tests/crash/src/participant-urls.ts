import { NO_FAULT, writeFault, type Fault } from './fault.ts';
import type { OpId } from './journal.ts';
import type { BranchOp, BranchPlan } from './plan.ts';

/** Where a message's sender commits its local transaction. */
export const LOCAL_PATH = '/sender/commit';
/** The path of the check-back. */
export const CHECK_PATH = '/sender/check';
/** Where clients have workflows run. */
export const RUN_PATH = '/workflow/run';
/** Where the coordinator calls them back. */
export const CALL_BACK_PATH = '/workflow/call-back';
/** The name of the only workflow. */
export const WORKFLOW_NAME = 'transfers';

/** The URLs of one participants process. */
export interface ParticipantUrls {
  /** One op of one branch, to be called by the coordinator, which adds who it is. */
  branch(gid: string, branch: BranchPlan, op: BranchOp): string;
  /** The same, called by the client itself. */
  ownCall(gid: string, branch: BranchPlan, op: BranchOp): string;
  /** The sender's local transaction, called by the client itself. */
  local(gid: string): string;
  /** The URL of the check-back about it. */
  check(gid: string, fault: Fault): string;
  /** The URL at which a workflow's initiator runs it. */
  readonly run: string;
}

/** Who the sender of a message is, in the words of the barrier. */
export function localOp(gid: string): OpId {
  return { gid, branchId: '00', op: 'msg' };
}

/** What the coordinator calls a workflow back with. */
export function callbackOp(gid: string): OpId {
  return { gid, branchId: '00', op: WORKFLOW_NAME };
}

/** Whom a URL was made for, as the journal shows it. */
export function madeFor(id: OpId): string {
  return `${id.gid} ${id.branchId} ${id.op}`;
}

/** Makes URLs for the participants that listen on `origin` (`http://127.0.0.1:port`). */
export function participantUrls(origin: string): ParticipantUrls {
  const url = (path: string, id: OpId, fault: Fault): string =>
    `${origin}${path}?${new URLSearchParams({ for: madeFor(id), fault: writeFault(fault) }).toString()}`;
  const branch: ParticipantUrls['branch'] = (gid, { branchId, account, faults }, op) =>
    url(`/${account}/${op}`, { gid, branchId, op }, faults[op] ?? NO_FAULT);

  return {
    branch,
    ownCall: (gid, one, op) => `${branch(gid, one, op)}&${identity({ gid, branchId: one.branchId, op })}`,
    local: (gid) => `${url(LOCAL_PATH, localOp(gid), NO_FAULT)}&${identity(localOp(gid))}`,
    check: (gid, fault) => url(CHECK_PATH, localOp(gid), fault),
    run: origin + RUN_PATH,
  };
}

function identity({ gid, branchId, op }: OpId): string {
  return new URLSearchParams({ gid, branch_id: branchId, op }).toString();
}
