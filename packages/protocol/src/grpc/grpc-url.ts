import { basicAuthorization } from '../basic-authorization.ts';

/** The parts of the URL of a gRPC branch: `[SCHEME://]SERVER/package.Service/Method`. */
export interface GrpcUrl {
  /** How the server is resolved, for example `dns`; empty: the server is `host:port`. */
  readonly scheme: string;
  /** Whether the URL states a scheme. */
  readonly hasScheme: boolean;
  /** Without credentials. */
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
export function parseGrpcUrl(url: string): GrpcUrl {
  const [, given = '', place = '', service = '', method = ''] = FORM.exec(url) ?? [];
  const scheme = given.toLowerCase();
  const at = place.lastIndexOf('@');
  const isSecure = scheme === 'grpcs';
  return {
    scheme: scheme === 'grpc' || isSecure ? '' : scheme,
    hasScheme: scheme !== '',
    server: place.slice(at + 1),
    isSecure,
    path: `/${service}/${method}`,
    authorization: at === -1 ? '' : authorizationIn(place.slice(0, at)),
  };
}

/** The servers of `direct://a:1,b:2`, which drivers of dtm also write as `direct:///a:1,b:2`. */
export const serversOfList = (server: string): readonly string[] => server.replace(/^\//, '').split(',');

function authorizationIn(account: string): string {
  const text = `http://${account}@host`;
  return URL.canParse(text) ? basicAuthorization(new URL(text)) : '';
}
