import { basicAuthorization } from '@holdfast/protocol';
import type { AdmissionContext, BranchTarget } from '../registry/branch-protocol.ts';

/** The parsed URL of a gRPC branch: `[SCHEME://]SERVER/package.Service/Method`. */
export interface GrpcTarget extends BranchTarget {
  /** Who resolves the server, for example `dns`; empty: the server is `host:port`. */
  readonly scheme: string;
  /** Whether the URL states a scheme. */
  readonly hasScheme: boolean;
  /** What the scheme's resolver resolves. */
  readonly server: string;
  readonly isSecure: boolean;
  /** `/package.Service/Method`. */
  readonly path: string;
  /** From `user:password@` in front of the server; empty: none. */
  readonly authorization: string;
}

/** Schemes of URLs that are not gRPC's. */
const OTHER_SCHEMES: ReadonlySet<string> = new Set(['http', 'https', 'local', 'topic']);
const FORM = /^(?:([a-z][a-z0-9+.-]*):\/\/)?([^?#\s]*)\/([^/?#\s]+)\/([^/?#\s]+)$/i;

/** Whether a URL has the form of a gRPC branch; its parts may still be malformed. */
export function isGrpcUrl(url: string): boolean {
  const match = FORM.exec(url);
  if (match === null || OTHER_SCHEMES.has((match[1] ?? '').toLowerCase())) return false;
  // Without a scheme, a slash in the server would make any path a URL of gRPC.
  return match[2] !== '' && (match[1] !== undefined || !match[2]?.includes('/'));
}

/** Parses a URL for which `isGrpcUrl` returns true. */
export function grpcTargetOf(url: string): GrpcTarget {
  const [, given = '', place = '', service = '', method = ''] = FORM.exec(url) ?? [];
  const scheme = given.toLowerCase();
  const at = place.lastIndexOf('@');
  const server = place.slice(at + 1);
  const isSecure = scheme === 'grpcs';
  const isDirect = scheme === '' || scheme === 'grpc' || isSecure;
  return {
    destination: isDirect ? `${isSecure ? 'grpcs' : 'grpc'}://${server.toLowerCase()}` : `${scheme}://${server}`,
    scheme: isDirect ? '' : scheme,
    hasScheme: scheme !== '',
    server,
    isSecure,
    path: `/${service}/${method}`,
    authorization: at === -1 ? '' : authorizationIn(place.slice(0, at)),
  };
}

function authorizationIn(account: string): string {
  const text = `http://${account}@host`;
  return URL.canParse(text) ? basicAuthorization(new URL(text)) : '';
}

const SERVICE = /^[A-Za-z_][\w.]*$/;
const METHOD = /^[A-Za-z_]\w*$/;
/** Metadata of gRPC: printable ASCII. Receivers drop a value that begins or ends with a space. */
const METADATA = /^(?! )[\x20-\x7e]*(?<! )$/;

/**
 * Why a transaction must not have a branch with this URL; undefined if it may. Among HTTP branches,
 * a URL that only lacks `http://` must not be taken for gRPC.
 */
export function admitGrpc(
  { path, hasScheme }: GrpcTarget,
  { gid = '', protocol }: AdmissionContext,
): string | undefined {
  const [, service = '', method = ''] = path.split('/');
  if (!SERVICE.test(service) || !METHOD.test(method))
    return 'neither an http:// or https:// URL nor the gRPC method host:port/package.Service/Method';
  if (!hasScheme && protocol !== 'grpc' && !service.includes('.'))
    return 'write http:// in front of a URL, or grpc:// in front of a gRPC method without a package';
  if (!METADATA.test(gid)) return 'gRPC cannot carry the gid: it must be printable ASCII, without a space at its ends';
  return undefined;
}
