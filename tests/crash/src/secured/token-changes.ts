import { setTimeout as delay } from 'node:timers/promises';
import type { CoordinatorClient } from '../coordinator-client.ts';
import type { Security } from './security.ts';

/** A token that is not valid any more from a time on, ms since the epoch. */
export interface RetiredToken {
  readonly token: string;
  readonly fromMs: number;
}

/** A time in which it is not known which token is valid, ms since the epoch. */
export interface Doubt {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Longer than any call of a client takes: no call is made with a token that ends before it. */
const OVERLAP_MS = 15_000;
/** By then, every coordinator knows about a change. */
const KNOWN_EVERYWHERE_MS = 6_000;
const AGAIN_MS = 250;

/** Creates the clients' token, and replaces it while they use it. */
export class TokenChanges {
  readonly #admin: CoordinatorClient;
  readonly #security: Security;
  readonly #tryRetired: (signal: AbortSignal) => Promise<void>;
  readonly #retired: RetiredToken[] = [];
  readonly #doubts: Doubt[] = [];
  #current = { id: '', token: '' };
  #rotations = 0;
  #replacements = 0;

  /** @param tryRetired tries the retired tokens; a revocation would end some of them as well */
  constructor(admin: CoordinatorClient, security: Security, tryRetired: (signal: AbortSignal) => Promise<void>) {
    this.#admin = admin;
    this.#security = security;
    this.#tryRetired = tryRetired;
  }

  get retired(): readonly RetiredToken[] {
    return this.#retired;
  }

  get doubts(): readonly Doubt[] {
    return this.#doubts;
  }

  /** The number of tokens that got a new text, and that were revoked in favour of another one. */
  get counts(): { readonly rotations: number; readonly replacements: number } {
    return { rotations: this.#rotations, replacements: this.#replacements };
  }

  /** Creates the first token. */
  async begin(signal: AbortSignal): Promise<void> {
    this.#use(await this.#create(signal));
  }

  /**
   * Gives the token a new text, as `holdfast token rotate --overlap` does. If the response is lost,
   * the new text is as well: another token is created then.
   */
  async rotate(signal: AbortSignal): Promise<void> {
    const { id, token } = this.#current;
    const fromMs = Date.now();
    const path = `/api/v1/tokens/${id}/rotate`;
    const reply = await this.#admin.request('POST', path, JSON.stringify({ overlapMs: OVERLAP_MS }));
    const renewed = reply?.body['token'];
    if (typeof renewed !== 'string') return this.replace(signal, fromMs);
    this.#use({ id, token: renewed });
    this.#rotations++;
    this.#retired.push({ token, fromMs: Date.now() + OVERLAP_MS });
  }

  /**
   * Creates another token, and revokes the previous one once no call uses it any more.
   *
   * @param doubtFromMs since then the previous token may not be valid
   */
  async replace(signal: AbortSignal, doubtFromMs?: number): Promise<void> {
    const previous = this.#current;
    this.#use(await this.#create(signal));
    if (doubtFromMs !== undefined)
      this.#doubts.push({ fromMs: doubtFromMs, untilMs: Date.now() + KNOWN_EVERYWHERE_MS });
    await delay(OVERLAP_MS, undefined, { signal });
    await this.#tryRetired(signal);
    for (;;) {
      const reply = await this.#admin.request('DELETE', `/api/v1/tokens/${previous.id}`);
      if (reply !== undefined && reply.code < 300) break;
      await delay(AGAIN_MS, undefined, { signal });
    }
    this.#replacements++;
    this.#retired.push({ token: previous.token, fromMs: Date.now() + KNOWN_EVERYWHERE_MS });
  }

  async #create(signal: AbortSignal): Promise<{ readonly id: string; readonly token: string }> {
    for (;;) {
      const grant = { name: 'clients', role: 'submitter' };
      const reply = await this.#admin.request('POST', '/api/v1/tokens', JSON.stringify(grant));
      const { id, token } = reply?.body ?? {};
      if (typeof id === 'string' && typeof token === 'string') return { id, token };
      await delay(AGAIN_MS, undefined, { signal });
    }
  }

  #use(current: { readonly id: string; readonly token: string }): void {
    this.#current = current;
    this.#security.useToken(current.token);
  }
}
