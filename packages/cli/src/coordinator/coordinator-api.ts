import { type ApiCalls, type HttpApi, httpApi } from '@holdfast/client/api';
import type { ClientTls } from '@holdfast/client';
import { type InputOf, placeOfUrl, type ResultOf, textOfThrown, type TransactionDetails } from '@holdfast/protocol';
import { CommandError, EXIT } from '../commands/command-error.ts';
import { commandErrorOf } from './command-error-of.ts';
import type { CalledOperation } from './option-names.ts';

/** Who calls, and in which namespace. */
export interface Caller {
  /** The text of an API token. */
  readonly token?: string;
  readonly namespace?: string;
}

const TIMEOUT_MS = 15_000;
/** The longest time that one response may take to arrive. */
const LONGEST_RESPONSE_MS = 60_000;
/** Number of requests in flight at once in a command on many transactions. */
export const PARALLEL_REQUESTS = 8;

/** How long a watch continues while no coordinator responds. */
const WATCH_RETRY_MS = 60_000;

/** An operator decides whether to repeat a command: each request is sent once. */
const TRANSPORT = {
  connections: PARALLEL_REQUESTS,
  requestTimeoutMs: TIMEOUT_MS,
  retryForMs: 0,
  waitTimeoutMs: 0,
  headers: {},
} as const;

/**
 * The coordinator's API for the commands, through the SDK's HTTP client. Sends each request once;
 * each failure is a `CommandError`.
 */
export class CoordinatorApi {
  readonly server: string;
  readonly #api: HttpApi;

  /**
   * @param caller who calls, in which namespace, and with which TLS
   * @param longestResponseMs how long one response may take to arrive
   */
  constructor(
    server: string,
    caller: Caller & { readonly tls?: ClientTls } = {},
    longestResponseMs = LONGEST_RESPONSE_MS,
  ) {
    const url = URL.canParse(server) ? new URL(server) : undefined;
    if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
      throw new CommandError(
        EXIT.usage,
        `--server (HOLDFAST_SERVER) takes a URL such as http://127.0.0.1:36789, not ${placeOfUrl(server)}`,
      );
    }
    this.server = url.origin;
    try {
      this.#api = httpApi(server, { ...TRANSPORT, ...caller, longestResponseMs });
    } catch (error) {
      throw new CommandError(EXIT.usage, textOfThrown(error), { cause: error });
    }
  }

  /** Calls an operation and checks its result. */
  async call<Name extends CalledOperation>(name: Name, input: InputOf<Name>): Promise<ResultOf<Name>> {
    const calls: ApiCalls = this.#api;
    const response = await calls[name](input, {}).catch((error: unknown) => {
      throw commandErrorOf(error, name, this.server);
    });
    if (response.ok) return response.value;
    throw commandErrorOf(response.rejection, name, this.server);
  }

  /** Follows a transaction, also while the coordinator restarts. */
  async *watch(gid: string): AsyncGenerator<TransactionDetails, void, undefined> {
    try {
      yield* this.#api.watch({ gid, afterVersion: 0, retryForMs: WATCH_RETRY_MS });
    } catch (error) {
      throw commandErrorOf(error, 'getTransaction', this.server);
    }
  }

  /** Ends the calls in progress. */
  close(): Promise<void> {
    return this.#api.destroy();
  }
}
