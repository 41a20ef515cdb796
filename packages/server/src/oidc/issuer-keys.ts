import type { Logger } from '@holdfast/core';
import { HoldfastError } from '@holdfast/protocol';
import { FetchFault, fetchJson } from './fetch-json.ts';
import { type ImportKey, isObject, type IssuerKey, type KeySet, readKeySet } from './key-set.ts';
import { urlOf } from './oidc-settings.ts';

export interface IssuerKeysOptions {
  readonly issuer: string;
  /** Undefined: the discovery document of the issuer states it. */
  readonly jwksUrl: URL | undefined;
  /** Authorities, PEM, instead of the system's. */
  readonly ca: () => readonly string[] | undefined;
  readonly importKey: ImportKey;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly times?: Partial<typeof TIMES>;
}

const TIMES = {
  /** Interval between fetches. A key that an issuer withdraws is accepted for at most this time. */
  refreshMs: 5 * 60_000,
  /** After a fetch that failed. */
  repeatMs: 10_000,
  /** All requests of one fetch. */
  fetchMs: 5_000,
  /** Fetches because of unknown or replaced keys have at least this distance. */
  unknownMs: 10_000,
  /** How long a request waits for a fetch. */
  waitMs: 2_000,
  /** A fault that lasts is logged again after this time. */
  quietMs: 10 * 60_000,
};

/**
 * Requests that wait for a fetch at once. Half of the JWTs that are verified at once, so that those
 * with unknown keys leave room for those with known ones.
 */
const MOST_WAITING = 500;

/**
 * The keys of an issuer. They are fetched in the background, and replaced as a whole.
 *
 * K1  A fetch that fails, or finds no usable key, changes nothing: the previous keys stay in use.
 * K2  Whatever callers send, fetches begin at most once per `refreshMs` (after a failure
 *     `repeatMs`), and once more per `unknownMs`. One is in progress at a time.
 * K3  A caller waits at most `waitMs`, and only if its key is unknown, or does not match the
 *     signature, and a fetch may find it.
 */
export class IssuerKeys {
  readonly #options: IssuerKeysOptions;
  readonly #times: typeof TIMES;
  /** Ends the fetch in progress. */
  #abort = new AbortController();
  #isStopped = false;
  readonly #listeners: (() => void)[] = [];
  #keys: KeySet | undefined;
  #fetching: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #unknownAtMs = -Infinity;
  #isFaulty = false;
  #loggedAtMs = -Infinity;
  #waiting = 0;

  constructor(options: IssuerKeysOptions) {
    this.#options = options;
    this.#times = { ...TIMES, ...options.times };
  }

  /** Begins to fetch. Resolves after the first fetch, whether or not it found keys. */
  async start(): Promise<void> {
    await this.#fetch();
    if (this.#keys === undefined)
      this.#options.log.warn(
        {},
        'the coordinator starts without the keys of --oidc-issuer: JWTs are rejected as unavailable until they can be fetched; API tokens are accepted',
      );
  }

  stop(): void {
    this.#isStopped = true;
    this.#abort.abort();
    clearTimeout(this.#timer);
  }

  /** Whether a key is one of the present ones. */
  isPublished(keyId: string): boolean {
    return this.#keys?.some(({ id }) => id === keyId) === true;
  }

  /** Calls `listener` after each change of the keys. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /**
   * The key that `matches`, if necessary after another fetch; undefined: the issuer does not
   * publish it. Throws `unavailable` if that is not known now.
   */
  async find(matches: (keys: KeySet) => IssuerKey | undefined): Promise<IssuerKey | undefined> {
    const known = this.#keys === undefined ? undefined : matches(this.#keys);
    if (known !== undefined) return known;
    const nowMs = performance.now();
    if (this.#fetching === undefined && nowMs - this.#unknownAtMs >= this.#times.unknownMs) {
      this.#unknownAtMs = nowMs;
      void this.#fetch();
    }
    if (this.#fetching !== undefined) await this.#wait(this.#fetching);
    const found = this.#keys === undefined ? undefined : matches(this.#keys);
    if (found === undefined && (this.#isFaulty || this.#keys === undefined || this.#fetching !== undefined))
      throw new HoldfastError(
        'unavailable',
        'the JWT cannot be checked now: the keys of its issuer cannot be fetched; repeat the request',
      );
    return found;
  }

  async #wait(fetching: Promise<void>): Promise<void> {
    if (this.#waiting >= MOST_WAITING) return;
    this.#waiting++;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, this.#times.waitMs).unref()));
    await Promise.race([fetching, late]);
    clearTimeout(timer);
    this.#waiting--;
  }

  #fetch(): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    return (this.#fetching ??= this.#fetchKeys().finally(() => (this.#fetching = undefined)));
  }

  /** Never rejects. */
  async #fetchKeys(): Promise<void> {
    clearTimeout(this.#timer);
    const abort = (this.#abort = new AbortController());
    const deadline = setTimeout(() => abort.abort(), this.#times.fetchMs).unref();
    try {
      const request = { ca: this.#options.ca(), signal: abort.signal };
      const url = this.#options.jwksUrl ?? (await this.#discover(request));
      this.#take(await readKeySet(await fetchJson(url, request), this.#options.importKey));
    } catch (error) {
      if (!this.#isStopped) this.#failed(error);
    } finally {
      clearTimeout(deadline);
    }
    if (this.#isStopped) return;
    const waitMs = this.#isFaulty ? this.#times.repeatMs : this.#times.refreshMs;
    this.#timer = setTimeout(() => void this.#fetch(), waitMs).unref();
  }

  /** The URL of the keys, from the discovery document. */
  async #discover(request: { readonly ca: readonly string[] | undefined; readonly signal: AbortSignal }): Promise<URL> {
    const { issuer } = this.#options;
    const document = await fetchJson(new URL(`${issuer.replace(/\/$/, '')}${DISCOVERY}`), request);
    if (!isObject(document)) throw new FetchFault('the discovery document is not a JSON object');
    // A document of another issuer would make its keys valid for this one.
    if (document['issuer'] !== issuer)
      throw new FetchFault(
        'the discovery document states another issuer; --oidc-issuer must be written as in "issuer"',
      );
    const { jwks_uri: stated } = document;
    const url = typeof stated === 'string' ? urlOf(stated) : undefined;
    const isAllowed = url?.protocol === 'https:' || (url !== undefined && issuer.startsWith('http:'));
    if (!isAllowed) throw new FetchFault('the discovery document has no "jwks_uri" that is an https:// URL');
    return url;
  }

  #take(keys: KeySet): void {
    const { log, issuer } = this.#options;
    const idsOf = (set: KeySet | undefined): string => JSON.stringify(set?.map(({ id, kid }) => [id, kid]));
    const isChanged = idsOf(keys) !== idsOf(this.#keys);
    if (isChanged || this.#isFaulty) log.info({ issuer, keys: keys.length }, 'the keys of the OIDC issuer are in use');
    this.#isFaulty = false;
    this.#loggedAtMs = -Infinity;
    this.#keys = keys;
    if (isChanged) for (const listener of this.#listeners) listener();
  }

  #failed(error: unknown): void {
    this.#isFaulty = true;
    const nowMs = performance.now();
    if (nowMs - this.#loggedAtMs < this.#times.quietMs) return;
    this.#loggedAtMs = nowMs;
    const reason = error instanceof FetchFault ? error.message : String(error);
    const { log, issuer } = this.#options;
    const then = this.#keys === undefined ? 'JWTs are rejected until then' : 'the previous keys stay in use';
    log.warn({ issuer, reason }, `the keys of the OIDC issuer cannot be fetched; ${then}`);
  }
}

const DISCOVERY = '/.well-known/openid-configuration';
