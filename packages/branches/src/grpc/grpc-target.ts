import { type GrpcUrl, parseGrpcUrl } from '@holdfast/protocol/grpc';
import { metadataFault } from './grpc-metadata.ts';
import type { AdmissionContext, BranchTarget } from '../registry/branch-protocol.ts';

/** The parsed URL of a gRPC branch: `[SCHEME://]SERVER/package.Service/Method`. */
export interface GrpcTarget extends BranchTarget, GrpcUrl {
  readonly authorization: string;
  /** The host and port that calls name; absent: as the URL has them. */
  readonly authority?: string;
}

/** Parses a URL for which `isGrpcUrl` returns true. */
export function grpcTargetOf(url: string): GrpcTarget {
  const parts = parseGrpcUrl(url);
  const { scheme, server, isSecure } = parts;
  const isDirect = scheme === '';
  return {
    ...parts,
    destination: isDirect ? `${isSecure ? 'grpcs' : 'grpc'}://${server.toLowerCase()}` : `${scheme}://${server}`,
  };
}

const SERVICE = /^[A-Za-z_][\w.]*$/;
const METHOD = /^[A-Za-z_]\w*$/;

/**
 * Why a transaction must not have a branch with this URL; undefined if it may. Among HTTP branches,
 * a URL that only lacks `http://` must not be taken for gRPC.
 */
export function admitGrpc(target: GrpcTarget, context: AdmissionContext): string | undefined {
  const { path, hasScheme } = target;
  const [, service = '', method = ''] = path.split('/');
  if (!SERVICE.test(service) || !METHOD.test(method))
    return 'neither an http:// or https:// URL nor the gRPC method host:port/package.Service/Method';
  if (!hasScheme && context.protocol !== 'grpc' && !service.includes('.'))
    return 'write http:// in front of a URL, or grpc:// in front of a gRPC method without a package';
  return metadataFault(target, context);
}
