import type { BranchRequest, CallContents } from '@holdfast/core';
import { type BranchResult, branchResult, uncallable } from '@holdfast/protocol';
import { framedMessage, isGrpcUrl, WORKFLOW_DATA } from '@holdfast/protocol/grpc';
import type { CallSigner } from '@holdfast/protocol/signing';
import { encodeMessage } from '@holdfast/protocol/protobuf';
import { HTTP_CLIENT_SETTINGS } from '../http/client-settings.ts';
import type { ConnectionPools } from '../http/connection-pools.ts';
import { OriginPools, type OriginPoolsOptions } from '../pools/origin-pools.ts';
import type { AdmissionContext, BranchProtocol } from '../registry/branch-protocol.ts';
import { GrpcChannel } from './grpc-channel.ts';
import { GrpcExchange } from './grpc-exchange.ts';
import { metadataFault, metadataOf } from './grpc-metadata.ts';
import { LARGEST_SIGNATURE, signedMetadata } from './grpc-signature.ts';
import { admitGrpc, type GrpcTarget, grpcTargetOf } from './grpc-target.ts';
import { destinationIn } from '../targets/branch-targets.ts';
import { dnsResolver, type GrpcResolver, passThrough, staticList } from './resolver.ts';

export interface GrpcProtocolOptions extends Omit<OriginPoolsOptions, 'clock'> {
  /** Further ways to find servers, by the scheme of a target. */
  readonly resolvers?: readonly GrpcResolver[];
}

/** Connections are kept for longer than over HTTP/1.1: a server announces that it closes one. */
const IDLE_MS = 5 * 60_000;

/** gRPC branches. Owns their connections. */
export class GrpcProtocol implements BranchProtocol<GrpcTarget> {
  readonly name = 'grpc';
  readonly #resolvers: ReadonlyMap<string, GrpcResolver>;
  readonly #channels: OriginPools<GrpcChannel>;
  readonly #http: ConnectionPools;
  readonly #signer: CallSigner | undefined;

  /** @param http its clock, its cache of names and its rules for targets are used */
  constructor(http: ConnectionPools, options: GrpcProtocolOptions = {}, signer?: CallSigner) {
    const { clock, names, targets, tls } = http;
    this.#http = http;
    this.#signer = signer;
    const resolvers = [passThrough, staticList, dnsResolver(names), ...(options.resolvers ?? [])];
    this.#resolvers = new Map(resolvers.flatMap((one) => one.schemes.map((scheme) => [scheme, one] as const)));
    const { connectTimeoutMs } = HTTP_CLIENT_SETTINGS;
    const settings = { clock, names, connectTimeoutMs, idleMs: IDLE_MS, tls };
    this.#channels = new OriginPools({ idleMs: IDLE_MS, ...options, clock }, (pool) => {
      const { scheme, server, isSecure } = grpcTargetOf(`${destinationIn(pool)}/service/method`);
      const guard = targets?.guardOf(pool);
      return new GrpcChannel(server, isSecure, this.#resolverOf(scheme), { ...settings, guard });
    });
  }

  matches(url: string): boolean {
    return isGrpcUrl(url);
  }

  parse(url: string): GrpcTarget {
    const target = grpcTargetOf(url);
    const { scheme, server, isSecure } = target;
    const resolver = this.#resolvers.get(scheme);
    const isKnown = resolver?.endpointsOf !== undefined && resolver.faultOf(server) === undefined;
    const endpoints = (isKnown ? resolver.endpointsOf?.(server) : undefined) ?? [];
    const [first] = endpoints;
    if (first === undefined) return target;
    const { host, port } = first;
    return {
      ...target,
      authority: `${host.includes(':') ? `[${host}]` : host}:${port}`,
      endpoints: endpoints.map((one) => ({ ...one, scheme: isSecure ? 'grpcs' : 'grpc' })),
    };
  }

  admit(target: GrpcTarget, context: AdmissionContext): string | undefined {
    return this.#faultOf(target) ?? admitGrpc(target, context);
  }

  faultOf(target: GrpcTarget, contents: CallContents): string | undefined {
    return this.#faultOf(target) ?? metadataFault(target, contents, this.#signer === undefined ? 0 : LARGEST_SIGNATURE);
  }

  call(request: BranchRequest, target: GrpcTarget): Promise<BranchResult> {
    const fault = this.#faultOf(target);
    if (fault !== undefined) return Promise.resolve(uncallable(fault));
    const signer = this.#signer;
    const message = messageOf(request);
    const headers =
      signer === undefined ? metadataOf(request, target) : signedMetadata(signer, request, target, message);
    const frame = framedMessage(message);
    const entry = this.#channels.acquire(this.#http.poolOf(request.namespace, target.destination));
    if (entry === undefined) return Promise.resolve(NO_ROOM);
    const { pool, release } = entry;
    return new Promise((resolve) => {
      const settle = (result: BranchResult, responded: boolean): void => {
        release(responded);
        resolve(result);
      };
      pool.send(new GrpcExchange(headers, frame, pool, this.#channels.clock, request.timeoutMs, settle));
    });
  }

  close(): Promise<void> {
    return this.#channels.close();
  }

  #faultOf({ scheme, server }: GrpcTarget): string | undefined {
    const resolver = this.#resolvers.get(scheme);
    if (resolver === undefined)
      return `this version cannot resolve ${scheme}:// addresses; use host:port, dns:///host:port or direct://host:port,host:port`;
    return resolver.faultOf(server);
  }

  #resolverOf(scheme: string): GrpcResolver {
    return this.#resolvers.get(scheme) ?? passThrough;
  }
}

/** No call was made, so this does not count as an attempt. */
const NO_ROOM: BranchResult = {
  ...branchResult('UNKNOWN', 'too many different destinations are being called at once'),
  deferred: true,
};

/** Branch ID in calls of the code that runs a transaction. */
const INITIATOR = '00';

/** The message of a call: the payload as it is, or a workflow's input for the code that runs it. */
function messageOf({ payload, pattern, branchId }: BranchRequest): Uint8Array {
  const isInput = pattern === 'workflow' && branchId === INITIATOR;
  return isInput ? encodeMessage(WORKFLOW_DATA, { Data: payload }) : payload;
}
