import { Pool } from 'undici';
import type { ClientResponse } from './notes.ts';
import { type Access, authorizationOf } from './secured/access.ts';

const PREFIX = '/api/dtmsvr';

/**
 * Calls the coordinator as clients do. No method throws: a failed call returns the outcome
 * `unknown`.
 */
export class CoordinatorClient {
  readonly #pool: Pool;
  readonly #access: Access | undefined;

  /** @param access undefined: neither TLS nor a token */
  constructor(origin: string, connections: number, access?: Access) {
    this.#access = access;
    this.#pool = new Pool(origin, {
      connections,
      connect: { timeout: 2_000, ...(access !== undefined && { ca: access.ca }) },
      headersTimeout: 5_000,
      bodyTimeout: 5_000,
    });
  }

  /**
   * A mutating call. `waited`: the call waits for the result, so that a success means that the
   * transaction succeeded.
   */
  async post(call: string, body: object, waited: boolean): Promise<ClientResponse> {
    const reply = await this.request('POST', `${PREFIX}/${call}`, JSON.stringify(body));
    const status = textOf(reply?.body['status']);
    const response = { outcome: outcomeOf(reply), status, waited };
    return reply?.code === 401 || reply?.code === 403 ? { ...response, deniedAtMs: Date.now() } : response;
  }

  /** A fresh gid, or undefined if there is no response. */
  async newGid(): Promise<string | undefined> {
    const reply = await this.request('GET', `${PREFIX}/newGid`);
    const gid = textOf(reply?.body['gid']);
    return gid === '' ? undefined : gid;
  }

  /**
   * The status of a transaction: `absent` if the coordinator does not have it, undefined if there
   * is no response.
   */
  async status(gid: string): Promise<string | undefined> {
    const reply = await this.request('GET', `${PREFIX}/query?gid=${encodeURIComponent(gid)}`);
    if (reply?.code !== 200) return undefined;
    const transaction = reply.body['transaction'];
    if (typeof transaction !== 'object' || transaction === null) return 'absent';
    return textOf((transaction as Record<string, unknown>)['status']);
  }

  /** The coordinator's full view of a transaction, or the reason for which there is none. */
  async describe(gid: string): Promise<string> {
    const reply = await this.request('GET', `/api/v1/transactions/${encodeURIComponent(gid)}`);
    return reply === undefined ? 'no response' : JSON.stringify(reply.body);
  }

  /** Empty if the coordinator accepts calls; otherwise its status and message. */
  async notReadyBecause(): Promise<string> {
    const reply = await this.request('GET', '/readyz');
    if (reply === undefined) return 'no response';
    return reply.code === 200 ? '' : `${reply.code} ${textOf(reply.body['message'])}`;
  }

  /** Adds a subscriber to a topic, which is a key-value; false: that was not acknowledged. */
  async subscribe(topic: string, url: string): Promise<boolean> {
    const reply = await this.request('PUT', `/api/v1/topics/${topic}/subscribers`, JSON.stringify({ url }));
    return reply !== undefined && reply.code < 300;
  }

  /** The live sessions; undefined if there is no response. */
  async sessions(): Promise<readonly SessionRow[] | undefined> {
    const reply = await this.request('GET', '/api/v1/nodes');
    return reply?.code === 200 ? (reply.body['items'] as readonly SessionRow[]) : undefined;
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  /** Undefined: there is no response. */
  async request(method: Method, path: string, body?: string): Promise<Reply | undefined> {
    try {
      const authorization = authorizationOf(this.#access);
      const headers = { 'content-type': 'application/json', ...(authorization !== undefined && { authorization }) };
      const response = await this.#pool.request({ method, path, headers, body: body ?? null });
      return { code: response.statusCode, body: parse(await response.body.text()) };
    } catch {
      // The connection failed or broke, or the call timed out; the caller cannot distinguish these.
      return undefined;
    }
  }
}

/** One session, by the store. */
export interface SessionRow {
  readonly session: string;
  readonly node: string;
  readonly startedAtMs: number;
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** A response. */
export interface Reply {
  readonly code: number;
  readonly body: Readonly<Record<string, unknown>>;
}

function outcomeOf(reply: Reply | undefined): ClientResponse['outcome'] {
  switch (reply?.code) {
    case 200:
      return reply.body['dtm_result'] === 'SUCCESS' ? 'success' : 'unknown';
    case 409:
      return 'refused';
    case 425:
      return 'ongoing';
    default:
      // Another error that contains the transaction's status comes from a pass without success: the
      // transaction is still in progress.
      return textOf(reply?.body['status']) === '' ? 'unknown' : 'ongoing';
  }
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
