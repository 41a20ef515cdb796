import { basicAuthorization, COORDINATES, coordinatesIn } from '@holdfast/protocol';
import { endpointIn } from '../http1/http-pool.ts';
import type { AdmissionContext, BranchTarget } from '../registry/branch-protocol.ts';

/** The parsed `http:` or `https:` URL of a branch. */
export interface HttpTarget extends BranchTarget {
  /** Host and port, without the scheme. */
  readonly host: string;
  /** Path and query as given, for a call that adds no parameters. */
  readonly path: string;
  /** The same, ready for further query parameters. */
  readonly pathPrefix: string;
  /**
   * The query parameter `method`: the JSON-RPC method if the transaction's protocol is `json-rpc`;
   * empty: none.
   */
  readonly rpcMethod: string;
  /** The coordinator's parameters that the URL's query contains. */
  readonly coordinates: ReturnType<typeof coordinatesIn>;
  /** From `user:password@` in the URL; empty: none. */
  readonly authorization: string;
}

/** Whether a URL has the scheme of HTTP; the rest may still be malformed. */
export const isHttpUrl = (url: string): boolean => /^https?:\/\//i.test(url);

/** Parses an HTTP URL; undefined for any other text. */
export function parseHttpUrl(url: string): HttpTarget | undefined {
  return isCallable(url) ? targetOf(url) : undefined;
}

export const isCallable = (url: string): boolean => isHttpUrl(url) && URL.canParse(url);

/** Parses a URL for which `isCallable` returns true. */
export function targetOf(url: string): HttpTarget {
  const parsed = new URL(url);
  const path = parsed.pathname + parsed.search;
  const { host, port, isSecure } = endpointIn(parsed);
  return {
    destination: parsed.origin,
    endpoints: [{ scheme: isSecure ? 'https' : 'http', host, port }],
    host: parsed.host,
    path,
    pathPrefix: path + (parsed.search === '' ? '?' : '&'),
    coordinates: coordinatesIn(parsed.search),
    rpcMethod: parsed.searchParams.get('method') ?? '',
    authorization: basicAuthorization(parsed),
  };
}

/** The coordinator adds its parameters to each call: a URL may only have them with these values. */
export function admitHttp({ coordinates }: HttpTarget, context: AdmissionContext): string | undefined {
  if (coordinates.every(([name, value]) => value === valueOf(name, context))) return undefined;
  const own = coordinates.map(([name]) => name).join(', ');
  return `its query must not have ${COORDINATES.join(', ')}: the coordinator adds these to each call; rename ${own}`;
}

const valueOf = (name: string, { gid, pattern }: AdmissionContext): string | undefined =>
  name === 'gid' ? gid : name === 'trans_type' ? pattern : undefined;
