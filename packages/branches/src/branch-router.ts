import type { BranchCaller, BranchRequest } from '@holdfast/core';
import { type BranchResult, branchResult, SUCCESS } from '@holdfast/protocol';
import { BranchHeaderError } from './branch-headers.ts';
import { BranchTargets, type HttpTarget } from './branch-target.ts';
import { ConnectionPools } from './connection-pools.ts';
import { isSentWithSecrets, withoutSecretsOf } from './echoed-secrets.ts';
import { callHttp } from './http-caller.ts';
import { callJsonRpc } from './json-rpc-caller.ts';
import { LocalBranches } from './local-branches.ts';
import { turns } from './event-loop/shared-turns.ts';

export interface BranchRouterOptions {
  readonly pools?: ConnectionPools;
  readonly locals?: LocalBranches;
  readonly targets?: BranchTargets;
}

/** The result for an empty URL: there is nothing to do. */
const NOTHING_TO_DO: Promise<BranchResult> = Promise.resolve(SUCCESS);

/**
 * Calls a branch by the protocol of its URL: HTTP, JSON-RPC, or a function of this process. gRPC
 * would be added here.
 */
export class BranchRouter implements BranchCaller {
  readonly #pools: ConnectionPools;
  readonly #locals: LocalBranches;
  readonly #targets: BranchTargets;

  constructor(options: BranchRouterOptions = {}) {
    this.#pools = options.pools ?? new ConnectionPools();
    this.#locals = options.locals ?? new LocalBranches();
    this.#targets = options.targets ?? new BranchTargets();
  }

  call(request: BranchRequest): Promise<BranchResult> {
    if (request.url === '') return NOTHING_TO_DO;
    try {
      return this.#route(request);
    } catch (error) {
      if (!(error instanceof BranchHeaderError)) throw error;
      return Promise.resolve(branchResult('UNKNOWN', `branch_headers: ${error.message}`));
    }
  }

  destinationOf(url: string): string {
    return url === '' ? '' : this.#targets.of(url).destination;
  }

  /** Closes every connection. */
  close(): Promise<void> {
    return this.#pools.close();
  }

  /** Most calls carry no secret, so their results need not be searched for one. */
  #callOverHttp(request: BranchRequest, target: HttpTarget): Promise<BranchResult> {
    const called =
      request.protocol === 'json-rpc' && target.rpcMethod !== ''
        ? callJsonRpc(this.#pools, request, target)
        : callHttp(this.#pools, request, target);
    return isSentWithSecrets(request, target)
      ? called.then((result) => withoutSecretsInTurn(request, target, result))
      : called;
  }

  #route(request: BranchRequest): Promise<BranchResult> {
    const target = this.#targets.of(request.url);
    switch (target.kind) {
      case 'http':
        return this.#callOverHttp(request, target);
      case 'local':
        return this.#locals.call(target.name, request);
      case 'grpc':
        return unknown(`gRPC branches are not supported by this version: ${request.url}`);
      case 'topic':
        return unknown(`a topic can only be the action of a message's step: ${request.url}`);
      case 'malformed':
        return unknown(`not a URL that can be called: ${request.url}`);
    }
  }
}

/** Many calls with long secrets and reasons may end in one turn of the event loop. */
async function withoutSecretsInTurn(
  request: BranchRequest,
  target: HttpTarget,
  result: BranchResult,
): Promise<BranchResult> {
  if (result.reason === '') return result;
  if (turns.isSpent) await turns.next();
  return withoutSecretsOf(request, target, result);
}

const unknown = (reason: string): Promise<BranchResult> => Promise.resolve(branchResult('UNKNOWN', reason));
