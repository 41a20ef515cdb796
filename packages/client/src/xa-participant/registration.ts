import { BranchFailure, resultOfHttp } from '@holdfast/protocol';
import { request } from 'undici';
import { BadBranchCall, onlyValue } from '../participants/call.ts';
import type { XaCall } from './xa-participant.ts';

/** Below the coordinator's URL; dtm's coordinators have it, too. */
const PREFIX = '/api/dtmsvr';
const TIMEOUT_MS = 3_000;

/**
 * Tells the coordinator of a branch, so that it is ended with the others. An initiator of this SDK
 * has done so before it calls; dtm's initiators leave it to the participant. Either way an action
 * that comes after its transaction was decided learns that here.
 *
 * @param coordinator the configured one; undefined: the one that the call names, if it is on this
 * machine
 * @throws {BranchFailure} the transaction takes no branches any more
 */
export async function registerXaBranch(call: XaCall, coordinator: string | undefined): Promise<void> {
  // The code of a workflow ends its branches itself: they are asked for again in every run of it.
  if (call.transType === 'workflow') return;
  const root = coordinator ?? namedCoordinator(call);
  // Who names none has registered the branch itself: its coordinator is no server.
  if (root === undefined) return;
  const url = call.query === undefined ? '' : onlyValue(call.query, 'phase2_url');
  const { gid, branchId } = call;
  if (url === '') {
    const what = `query parameter phase2_url is missing: branch ${branchId} of ${gid} cannot be registered.`;
    throw new BadBranchCall(400, `${what}${ofNoServer(call)}`);
  }
  const { statusCode, body } = await request(`${root}/registerBranch`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ gid, branch_id: branchId, trans_type: 'xa', url }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const result = resultOfHttp(statusCode, await body.text());
  if (result.kind === 'SUCCESS') return;
  const what = `The coordinator at ${root} did not take branch ${branchId} of ${gid}: ${result.reason}.${ofNoServer(call)}`;
  throw result.kind === 'FAILURE' ? new BranchFailure(what) : new Error(what);
}

/**
 * A coordinator that runs in its initiator's process names no address. It has registered the
 * branch, but whoever can call could say so.
 */
const ofNoServer = ({ query }: XaCall): string =>
  (query?.get('dtm') ?? '') === ''
    ? ' The call names no coordinator: that of embed() has none to name. Participants of such transactions are made without the option coordinator.'
    : '';

/**
 * The address of a coordinator as one may write it, made complete.
 *
 * @throws {TypeError} it is no http or https URL
 */
export function coordinatorRoot(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol))
    throw new TypeError(`A coordinator's URL is such as http://127.0.0.1:36789, not ${url}`);
  const path = parsed.pathname.replace(/\/+$/, '');
  return parsed.origin + (path.endsWith(PREFIX) ? path : path + PREFIX);
}

/**
 * Whoever can call a participant chooses what stands in `dtm`. A participant that asked any address
 * there would lend its place in the network to everybody; so unless a coordinator is configured,
 * one on this machine it is, and no path but that one.
 */
function namedCoordinator({ query }: XaCall): string | undefined {
  const named = query === undefined ? '' : onlyValue(query, 'dtm');
  if (named === '') return undefined;
  const url = URL.canParse(named) ? new URL(named) : undefined;
  if (url?.protocol === 'http:' && isLoopback(url.hostname) && url.pathname.replace(/\/+$/, '') === PREFIX)
    return url.origin + PREFIX;
  throw new BadBranchCall(
    400,
    'query parameter dtm names a coordinator elsewhere: this participant asks only the one that its option coordinator names',
  );
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
