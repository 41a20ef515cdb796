import type { Alert, Clock, Logger } from '@holdfast/core';
import { branchResult, SUCCESS, withoutSecrets } from '@holdfast/protocol';
import { type CallSigner, callId } from '@holdfast/protocol/signing';
import { headerLines } from '../http/branch-headers.ts';
import type { ConnectionPools } from '../http/connection-pools.ts';
import type { ResponseReader } from '../http/exchange.ts';
import { send } from '../http/http-protocol.ts';
import { HttpSignature } from '../http/http-signature.ts';
import { type HttpTarget, parseHttpUrl } from '../http/http-target.ts';

export interface AlertWebhookOptions {
  /** An `http://` or `https://` URL; a function is called for each attempt. */
  readonly url: string | (() => string);
  readonly pools: ConnectionPools;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signer?: CallSigner | undefined;
  readonly timeoutMs?: number;
  /**
   * Waits before the second, third, … attempt; after the last one the alert is dropped and logged.
   */
  readonly retryDelaysMs?: readonly number[];
  readonly maxQueued?: number;
}

interface Queued {
  readonly alert: Alert;
  /** Called with whether the alert was delivered. */
  readonly settle: (delivered: boolean) => void;
}

const DEFAULT_TIMEOUT_MS = 5_000;
const DEFAULT_RETRY_DELAYS_MS = [1_000, 5_000, 25_000] as const;
const DEFAULT_MAX_QUEUED = 1_000;

/** Sends each alert to a URL: POST `{gid,status,branch,error,retry_count}`, one after another. */
export class AlertWebhook {
  readonly #options: AlertWebhookOptions;
  readonly #url: () => string;
  #target: { readonly url: string; readonly parsed: HttpTarget };
  readonly #queue: Queued[] = [];
  #delivering = false;
  #closed = false;
  #endPause: (() => void) | undefined;

  /** Throws `TypeError` for a URL that is not http or https. */
  constructor(options: AlertWebhookOptions) {
    const given = options.url;
    this.#url = typeof given === 'string' ? () => given : given;
    const url = this.#url();
    const parsed = parseHttpUrl(url);
    if (parsed === undefined)
      throw new TypeError(`the alert webhook needs an http:// or https:// URL, not ${withoutSecrets(url)}`);
    this.#options = options;
    this.#target = { url, parsed };
  }

  #currentTarget(): HttpTarget {
    const url = this.#url();
    if (url !== this.#target.url) {
      const parsed = parseHttpUrl(url);
      if (parsed !== undefined) this.#target = { url, parsed };
    }
    return this.#target.parsed;
  }

  /**
   * Queues an alert; drops the oldest one if the queue is full. Resolves to whether the alert was
   * delivered, never rejects.
   */
  notify(alert: Alert): Promise<boolean> {
    return new Promise((settle) => this.#enqueue({ alert, settle }));
  }

  #enqueue(queued: Queued): void {
    if (this.#closed) return this.#abandon(queued, 'shutting down');
    this.#queue.push(queued);
    if (!this.#delivering) void this.#deliverAll();
    else if (this.#queue.length > (this.#options.maxQueued ?? DEFAULT_MAX_QUEUED)) {
      const oldest = this.#queue.shift();
      if (oldest !== undefined) this.#abandon(oldest, 'too many alerts are waiting');
    }
  }

  /** Stops; undelivered alerts are logged. */
  close(): void {
    this.#closed = true;
    for (const queued of this.#queue.splice(0)) this.#abandon(queued, 'shutting down');
    this.#endPause?.();
  }

  async #deliverAll(): Promise<void> {
    this.#delivering = true;
    for (let queued = this.#queue.shift(); queued !== undefined; queued = this.#queue.shift()) {
      const failure = await this.#deliver(queued.alert);
      if (failure === undefined) queued.settle(true);
      else this.#abandon(queued, failure);
    }
    this.#delivering = false;
  }

  /** Resolves to why the alert could not be delivered; undefined on success. */
  async #deliver(alert: Alert): Promise<string | undefined> {
    let failure: string | undefined;
    for (const delayMs of [0, ...(this.#options.retryDelaysMs ?? DEFAULT_RETRY_DELAYS_MS)]) {
      if (delayMs > 0) await this.#pause(delayMs);
      if (this.#closed) return failure ?? 'shutting down';
      failure = await this.#post(alert);
      if (failure === undefined) return undefined;
    }
    return failure;
  }

  async #post(alert: Alert): Promise<string | undefined> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, signer } = this.#options;
    const target = this.#currentTarget();
    // The operator's URL: the rules for the targets of branches do not apply.
    const result = await send(this.#options.pools, target.destination, timeoutMs, readResponse, {
      method: 'POST',
      path: target.path,
      host: target.host,
      headers: headerLines({}, target.authorization),
      body: bodyOf(alert),
      signature: signer === undefined ? undefined : new HttpSignature(signer, idOf(alert)),
    });
    return result.kind === 'SUCCESS' ? undefined : result.reason;
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#options.clock.setTimer(delayMs, resolve);
      this.#endPause = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  #abandon({ alert, settle }: Queued, reason: string): void {
    const { gid, branch } = alert;
    settle(false);
    this.#options.logger.error({ gid, branch, reason }, 'webhook: could not deliver an alert');
  }
}

/** The same for each delivery of one alert, so that its receiver can recognise a repeated one. */
const idOf = ({ gid, branch, retryCount }: Alert): string => callId(gid, branch, 'alert', retryCount);

const bodyOf = ({ gid, status, branch, error, retryCount }: Alert): string =>
  JSON.stringify({ gid, status, branch, error, retry_count: retryCount });

const readResponse: ResponseReader = ({ status }) =>
  status >= 200 && status < 300 ? SUCCESS : branchResult('UNKNOWN', `HTTP ${status}`);
