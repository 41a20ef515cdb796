import { setTimeout as delay } from 'node:timers/promises';
import grpc from '@grpc/grpc-js';
import { CoordinatorClient } from '../coordinator-client.ts';
import { GrpcCaller } from '../grpc-caller.ts';
import type { Protocol } from '../plan.ts';
import { DTM_METHODS, methodOf } from '../published-services.ts';
import type { Subject } from '../subject.ts';
import type { RetiredToken } from './token-changes.ts';

/** A request without a valid token that a coordinator served. */
export interface LetIn {
  readonly atMs: number;
  readonly protocol: Protocol;
  /** The token that it had. */
  readonly credentials: 'none' | 'forged' | 'retired';
}

interface Attempt extends Pick<LetIn, 'credentials'> {
  readonly token: string;
}

const EVERY_MS = 200;
const TIMEOUT_MS = 5_000;
const MOST_ATTEMPTS = 25;
/** The form of a token is right, its checksum is not. */
const FORGED = `hf_bootstrap_${'0'.repeat(64)}`;

/**
 * Requests a saga and a gid without a valid token, again and again, also while coordinators start.
 * A saga that is accepted would appear in the participants' journal as well.
 */
export class Intruder {
  readonly #http: CoordinatorClient;
  readonly #grpc: GrpcCaller;
  readonly #retired: () => readonly RetiredToken[];
  readonly #target: string;
  readonly #letIn: LetIn[] = [];
  readonly #stop = new AbortController();
  #working: Promise<void> = Promise.resolve();
  #token = '';
  #rejected = 0;

  /**
   * @param target a URL that it wants to be called
   * @param retired the tokens that were valid once
   */
  constructor(
    { origin, grpcAddress }: Pick<Subject, 'origin' | 'grpcAddress'>,
    { ca, target, retired }: { ca: string; target: string; retired: () => readonly RetiredToken[] },
  ) {
    const access = { ca, token: () => this.#token };
    this.#http = new CoordinatorClient(origin, 1, access);
    this.#grpc = new GrpcCaller(grpcAddress, access);
    this.#target = target;
    this.#retired = retired;
  }

  /** Requests that were served. */
  get letIn(): readonly LetIn[] {
    return this.#letIn;
  }

  /** Number of requests that were rejected. */
  get rejected(): number {
    return this.#rejected;
  }

  start(): void {
    this.#working = this.#work();
  }

  /** Waits until no retired token is valid, tries each of them, and ends. */
  async finish(): Promise<void> {
    this.#stop.abort();
    await this.#working;
    await this.tryRetired();
  }

  /**
   * Waits until no retired token is valid, and tries each of them until a coordinator has
   * responded: without a response, the attempt shows nothing.
   */
  async tryRetired(signal?: AbortSignal): Promise<void> {
    await delay(Math.max(0, ...this.#retired().map(({ fromMs }) => fromMs - Date.now())), undefined, { signal });
    for (const attempt of this.#attempts())
      for (let attempts = 1; attempts <= MOST_ATTEMPTS && !(await this.#try(attempt)); attempts++)
        await delay(EVERY_MS, undefined, { signal });
  }

  /** Ends at once. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#working;
    this.#grpc.close();
    await this.#http.close();
  }

  async #work(): Promise<void> {
    while (!this.#stop.signal.aborted)
      for (const attempt of this.#attempts()) {
        if (this.#stop.signal.aborted) return;
        await this.#try(attempt);
        await delay(EVERY_MS);
      }
  }

  #attempts(): readonly Attempt[] {
    const ended = this.#retired().filter(({ fromMs }) => Date.now() >= fromMs);
    return [
      { credentials: 'none', token: '' },
      { credentials: 'forged', token: FORGED },
      ...ended.map(({ token }) => ({ credentials: 'retired', token }) as const),
    ];
  }

  /** Resolves to whether a coordinator has accepted or rejected the request over both protocols. */
  async #try({ credentials, token }: Attempt): Promise<boolean> {
    this.#token = token;
    const saga = {
      trans_type: 'saga',
      gid: `intruder-${Date.now()}`,
      steps: [{ action: this.#target }],
      payloads: ['{}'],
    };
    const reply = await this.#http.request('POST', '/api/dtmsvr/submit', JSON.stringify(saga));
    // Any other status than 200 comes from a proxy, or from a coordinator that is not ready.
    const overHttp = this.#note(reply?.code === 200, reply?.code === 401, { credentials, protocol: 'http' });
    // Another attempt may have been made in the meantime.
    this.#token = token;
    const { code } = await this.#grpc.call(methodOf(DTM_METHODS, 'NewGid'), {}, TIMEOUT_MS);
    const isRejected = code === grpc.status.UNAUTHENTICATED;
    return this.#note(code === grpc.status.OK, isRejected, { credentials, protocol: 'grpc' }) && overHttp;
  }

  #note(isServed: boolean, isRejected: boolean, what: Omit<LetIn, 'atMs'>): boolean {
    if (isServed) this.#letIn.push({ ...what, atMs: Date.now() });
    if (isRejected) this.#rejected++;
    return isServed || isRejected;
  }
}
