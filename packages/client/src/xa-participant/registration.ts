import { BranchFailure, type BranchResult, resultOfHttp } from '@holdfast/protocol';
import { request } from 'undici';
import { BadBranchCall, onlyValue } from '../participants/call.ts';
import type { GrpcRegistration } from './grpc-registration.ts';
import type { XaCall } from './xa-participant.ts';

/** Path below the coordinator's URL, as for dtm's coordinators. */
const PREFIX = '/api/dtmsvr';
const TIMEOUT_MS = 3_000;

/**
 * Registers a branch with the coordinator, which commits or rolls it back with the others. An
 * initiator of this SDK registers the branch before it calls; dtm's initiators leave this to the
 * participant. In both cases the registration fails for an action that arrives after its
 * transaction was decided.
 *
 * @param coordinator the configured coordinator; undefined: the one that the call names, if it runs
 *   on this machine
 * @param overGrpc used for a coordinator with a `grpc:` or `grpcs:` URL
 * @throws {BranchFailure} the transaction accepts no more branches
 */
export async function registerXaBranch(
  call: XaCall,
  coordinator: string | undefined,
  overGrpc: GrpcRegistration,
): Promise<void> {
  // A workflow commits or rolls back its branches itself: every run of its code requests them
  // again.
  if (call.transType === 'workflow') return;
  const root = coordinator ?? namedCoordinator(call);
  // An initiator that names no coordinator has an embedded one, and has registered the branch.
  if (root === undefined) return;
  const url = call.query === undefined ? '' : onlyValue(call.query, 'phase2_url');
  const { gid, branchId } = call;
  if (url === '') {
    const what = `phase2_url is missing in the call: branch ${branchId} of ${gid} cannot be registered.`;
    throw new BadBranchCall(400, `${what}${ofNoServer(call)}`);
  }
  const result = root.startsWith('grpc')
    ? await overGrpc.register(root, call, url, TIMEOUT_MS)
    : await registerOverHttp(root, { gid, branch_id: branchId, trans_type: 'xa', url });
  if (result.kind === 'SUCCESS') return;
  const what = `The coordinator at ${root} did not take branch ${branchId} of ${gid}: ${result.reason}.${ofNoServer(call)}`;
  throw result.kind === 'FAILURE' ? new BranchFailure(what) : new Error(what);
}

async function registerOverHttp(root: string, registration: Readonly<Record<string, string>>): Promise<BranchResult> {
  const { statusCode, body } = await request(`${root}/registerBranch`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(registration),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  return resultOfHttp(statusCode, await body.text());
}

/**
 * A coordinator that runs in its initiator's process has no address. Its initiator has registered
 * the branch, but any client could claim that by naming no coordinator.
 */
const ofNoServer = ({ query }: XaCall): string =>
  (query?.get('dtm') ?? '') === ''
    ? ' The call names no coordinator, since a coordinator of embed() has no address. Create participants of such transactions without the option coordinator.'
    : '';

const GRPC_ROOT = /^grpcs?:\/\/[^\s/@?#]+:\d{1,5}$/;

/**
 * The complete address of a coordinator, whose URL may omit the path.
 *
 * @throws {TypeError} the URL is none of http, https, grpc and grpcs
 */
export function coordinatorRoot(url: string): string {
  if (GRPC_ROOT.test(url)) return url;
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol))
    throw new TypeError(`A coordinator's URL is such as http://127.0.0.1:36789, not ${url}`);
  const path = parsed.pathname.replace(/\/+$/, '');
  return parsed.origin + (path.endsWith(PREFIX) ? path : path + PREFIX);
}

const HOST_AND_PORT = /^([^\s:/@]+|\[[0-9a-f:]+\]):\d{1,5}$/i;

/**
 * Any client of a participant chooses the value of `dtm`. A participant that sent requests to any
 * address would give such clients its access to the network. So unless a coordinator is configured,
 * only an address on this machine is accepted, with the coordinator's path.
 */
function namedCoordinator({ query }: XaCall): string | undefined {
  const named = query === undefined ? '' : onlyValue(query, 'dtm');
  if (named === '') return undefined;
  // Initiators over gRPC name `host:port`.
  const [, host] = HOST_AND_PORT.exec(named) ?? [];
  if (host !== undefined && isLoopback(host)) return `grpc://${named}`;
  const url = URL.canParse(named) ? new URL(named) : undefined;
  if (url?.protocol === 'http:' && isLoopback(url.hostname) && url.pathname.replace(/\/+$/, '') === PREFIX)
    return url.origin + PREFIX;
  throw new BadBranchCall(
    400,
    'dtm of the call names a coordinator elsewhere: this participant accepts only the one that its option coordinator specifies',
  );
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
