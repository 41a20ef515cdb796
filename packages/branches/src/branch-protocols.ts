import type { CallSigner } from '@holdfast/protocol/signing';
import type { ConnectionPools } from './http/connection-pools.ts';
import { hideEchoedSecrets } from './http/echoed-secrets.ts';
import { HttpProtocol } from './http/http-protocol.ts';
import { JsonRpcProtocol } from './http/json-rpc-protocol.ts';
import { GrpcProtocol, type GrpcProtocolOptions } from './grpc/grpc-protocol.ts';
import type { LocalBranches } from './local/local-branches.ts';
import { LocalProtocol } from './local/local-protocol.ts';
import type { BranchInterceptor, BranchProtocol } from './registry/branch-protocol.ts';
import { BranchRegistry } from './registry/branch-registry.ts';
import { type BranchSecrets, NO_SECRETS } from './secrets/branch-secrets.ts';
import { withSecrets } from './secrets/with-secrets.ts';
import { malformedUrl, topicUrl } from './registry/uncallable.ts';
import { allowedOnly } from './targets/allowed-only.ts';

export interface BranchRegistryParts {
  /** Closed with the registry. */
  readonly pools: ConnectionPools;
  readonly locals: LocalBranches;
  readonly grpc?: GrpcProtocolOptions;
  /** Signs each call that leaves the process. */
  readonly signer?: CallSigner | undefined;
  /** The secrets that `branch_headers` may name; absent: none. */
  readonly secrets?: BranchSecrets | undefined;
  /** Protocols offered a URL before Holdfast's. */
  readonly protocols?: readonly BranchProtocol[];
  /** Around each call; the first is the outermost. */
  readonly interceptors?: readonly BranchInterceptor[];
}

/** The registry of all protocols of this version. The only list of them. */
export function createBranchRegistry(parts: BranchRegistryParts): BranchRegistry {
  const { pools, locals, grpc = {}, signer, protocols = [], interceptors = [], secrets = NO_SECRETS } = parts;
  const { targets } = pools;
  return new BranchRegistry({
    protocols: [
      ...protocols,
      new JsonRpcProtocol(pools, signer),
      new HttpProtocol(pools, signer),
      new LocalProtocol(locals),
      topicUrl,
      new GrpcProtocol(pools, grpc, signer),
      malformedUrl,
    ],
    interceptors: [
      // Comes first: secrets are not sent to targets that the rules do not allow.
      ...(targets === undefined ? [] : [allowedOnly(targets)]),
      ...interceptors,
      withSecrets(secrets),
      // The innermost one sees the headers that are sent, those of the other interceptors included.
      hideEchoedSecrets,
    ],
    secrets,
    ...(targets !== undefined && { targets }),
  });
}
