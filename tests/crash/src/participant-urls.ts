import { NO_FAULT, writeFault, type Fault } from './fault.ts';
import type { OpId } from './journal.ts';
import type { BranchOp, BranchPlan, Protocol } from './plan.ts';

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

/** A client's direct call: the URL, and the op and branch that the coordinator would add to it. */
export interface OwnCall {
  readonly url: string;
  readonly id: OpId;
}

/** The URLs of one participants process. */
export interface ParticipantUrls {
  /** One op of one branch, to be called by the coordinator, which adds who it is. */
  branch(gid: string, branch: BranchPlan, op: BranchOp): string;
  /** The same, called by the client itself. */
  ownCall(gid: string, branch: BranchPlan, op: BranchOp): OwnCall;
  /** The sender's local transaction, called by the client itself. */
  local(gid: string): OwnCall;
  /** The URL of the check-back about it. */
  check(gid: string, fault: Fault, protocol: Protocol): string;
  /** The URL at which a workflow's initiator runs it. */
  readonly run: string;
}

/** Where the participants of one process are reached. */
export interface ParticipantAddresses {
  /** `http://127.0.0.1:port`, or `https://…` */
  readonly origin: string;
  /** `127.0.0.1:port`, or `grpcs://127.0.0.1:port` */
  readonly grpcAddress: string;
}

/** Where the participants with these ports are reached. */
export const addressesOf = (port: number, grpcPort: number, isSecured: boolean): ParticipantAddresses => ({
  origin: `${isSecured ? 'https' : 'http'}://127.0.0.1:${port}`,
  grpcAddress: `${isSecured ? 'grpcs://' : ''}127.0.0.1:${grpcPort}`,
});

/** Whether a participant's URL is called over gRPC. */
export const isGrpcUrl = (url: string): boolean => !url.startsWith('http://') && !url.startsWith('https://');

/** The URL of a gRPC method without its scheme: the address and the path. */
export const withoutScheme = (grpcUrl: string): string => grpcUrl.replace(/^grpcs:\/\//, '');

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

/** Makes URLs for participants. */
export function participantUrls({ origin, grpcAddress }: ParticipantAddresses): ParticipantUrls {
  const url = (protocol: Protocol, path: string, id: OpId, fault: Fault): string => {
    const relative = `${path}?${new URLSearchParams({ for: madeFor(id), fault: writeFault(fault) }).toString()}`;
    return protocol === 'http' ? origin + relative : grpcAddress + grpcPathOf(relative);
  };
  const branch: ParticipantUrls['branch'] = (gid, { branchId, account, faults, protocol }, op) =>
    url(protocol, `/${account}/${op}`, { gid, branchId, op }, faults[op] ?? NO_FAULT);

  return {
    branch,
    ownCall: (gid, one, op) => ({ url: branch(gid, one, op), id: { gid, branchId: one.branchId, op } }),
    local: (gid) => ({ url: url('http', LOCAL_PATH, localOp(gid), NO_FAULT), id: localOp(gid) }),
    check: (gid, fault, protocol) => url(protocol, CHECK_PATH, localOp(gid), fault),
    run: origin + RUN_PATH,
  };
}

/**
 * The path of the gRPC method for the path and parameters of a URL. The name of a service consists
 * of letters, digits and `_`, so these are in it as hexadecimal bytes.
 */
function grpcPathOf(relativeUrl: string): string {
  return `/crash.Url${Buffer.from(relativeUrl).toString('hex')}/Call`;
}

/** The path and parameters from which a gRPC path was made; undefined if it was not. */
export function relativeUrlOf(grpcPath: string): string | undefined {
  const hex = /^\/crash\.Url([0-9a-f]+)\/Call$/.exec(grpcPath)?.[1];
  return hex === undefined ? undefined : Buffer.from(hex, 'hex').toString();
}
