import { basicAuthorization, coordinatesIn } from '@holdfast/protocol';

/**
 * A parsed branch URL. Transactions repeat the same few URLs, so the hot path finds them in a
 * bounded cache.
 */
export type BranchTarget = HttpTarget | LocalTarget | UnsupportedTarget;

export interface HttpTarget {
  readonly kind: 'http';
  /** Scheme, host and port: the key by which connections are shared and calls are limited. */
  readonly destination: string;
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

export interface LocalTarget {
  readonly kind: 'local';
  readonly destination: string;
  /** Name of the registered function. */
  readonly name: string;
}

/** `grpc` is a URL that dtm would call over gRPC: `host:port/package.Service/Method`. */
export interface UnsupportedTarget {
  readonly kind: 'grpc' | 'topic' | 'malformed';
  readonly destination: string;
}

const LOCAL_SCHEME = 'local://';
const TOPIC_SCHEME = 'topic://';

/** Parses a URL; never throws. */
export function parseBranchUrl(url: string): BranchTarget {
  if (url.startsWith(LOCAL_SCHEME)) return { kind: 'local', destination: url, name: url.slice(LOCAL_SCHEME.length) };
  if (url.startsWith(TOPIC_SCHEME)) return { kind: 'topic', destination: url };
  if (/^https?:\/\//i.test(url)) return parseHttpUrl(url);
  const kind = /^[^/?#\s]+\/[^/?#\s]+\/[^/?#\s]+$/.test(url) && !url.includes('://') ? 'grpc' : 'malformed';
  return { kind, destination: url.split('/', 1)[0] ?? '' };
}

function parseHttpUrl(url: string): BranchTarget {
  if (!URL.canParse(url)) return { kind: 'malformed', destination: '' };
  const parsed = new URL(url);
  const path = parsed.pathname + parsed.search;
  return {
    kind: 'http',
    destination: parsed.origin,
    host: parsed.host,
    path,
    pathPrefix: path + (parsed.search === '' ? '?' : '&'),
    coordinates: coordinatesIn(parsed.search),
    rpcMethod: parsed.searchParams.get('method') ?? '',
    authorization: basicAuthorization(parsed),
  };
}

const DEFAULT_CACHE_SIZE = 4_096;

/**
 * A cache of two generations: when the young one is full, the old one is dropped. So recently used
 * URLs stay without bookkeeping per access.
 */
export class BranchTargets {
  readonly #halfSize: number;
  #young = new Map<string, BranchTarget>();
  #old = new Map<string, BranchTarget>();

  constructor(size: number = DEFAULT_CACHE_SIZE) {
    this.#halfSize = Math.max(1, Math.floor(size / 2));
  }

  of(url: string): BranchTarget {
    const known = this.#young.get(url);
    if (known !== undefined) return known;
    const target = this.#old.get(url) ?? parseBranchUrl(url);
    if (this.#young.size >= this.#halfSize) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(url, target);
    return target;
  }

  /** Current number of entries. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }
}
