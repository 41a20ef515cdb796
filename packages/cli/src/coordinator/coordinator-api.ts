import { isUtf8 } from 'node:buffer';
import {
  API_ROOT,
  basicAuthorization,
  httpRequestsOf,
  type InputOf,
  type OperationName,
  operationOf,
  type OperationRequest,
  placeOfUrl,
  problemDetails,
  type ProblemDetails,
  type QueryValues,
  type ResultOf,
  textOfThrown,
} from '@holdfast/protocol';
import { Pool } from 'undici';
import { CommandError, EXIT } from '../commands/command-error.ts';

/** An error response of the coordinator, as problem details. */
export class ApiProblem extends CommandError {
  readonly problem: ProblemDetails;

  constructor(problem: ProblemDetails) {
    super(problem.status >= 500 ? EXIT.unreachable : EXIT.refused, problem.detail);
    this.problem = problem;
  }
}

const TIMEOUT_MS = 15_000;
/** The longest time that one request may take, with its whole response. */
const LONGEST_RESPONSE_MS = 60_000;
/** Number of requests in flight at once in a command on many transactions. */
export const PARALLEL_REQUESTS = 8;
const MAX_RESPONSE_BYTES = 64 * 1024 * 1024;

/**
 * The coordinator's API for the commands. Sends each request once; each failure is a
 * `CommandError`.
 */
export class CoordinatorApi {
  readonly server: string;
  readonly #root: string;
  readonly #authorization: string;
  readonly #pool: Pool;
  readonly #longestResponseMs: number;

  /** @param longestResponseMs how long one request may take, with its whole response */
  constructor(server: string, longestResponseMs = LONGEST_RESPONSE_MS) {
    const url = URL.canParse(server) ? new URL(server) : undefined;
    if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
      throw new CommandError(
        EXIT.usage,
        `--server (HOLDFAST_SERVER) takes a URL such as http://127.0.0.1:36789, not ${placeOfUrl(server)}`,
      );
    }
    this.server = url.origin;
    this.#longestResponseMs = longestResponseMs;
    this.#authorization = basicAuthorization(url);
    this.#root = url.pathname.replace(/\/+$/, '') + API_ROOT;
    this.#pool = new Pool(url.origin, {
      connections: PARALLEL_REQUESTS,
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
      connect: { timeout: TIMEOUT_MS },
      maxResponseSize: MAX_RESPONSE_BYTES,
    });
  }

  /** Calls an operation and checks its result. */
  async call<Name extends OperationName>(name: Name, input: InputOf<Name>): Promise<ResultOf<Name>> {
    const { status, json } = await this.#send(httpRequestsOf(name)(input));
    try {
      return operationOf(name).result?.parse(json) as ResultOf<Name>;
    } catch (error) {
      throw this.#unexpected(status, error);
    }
  }

  /**
   * The cursor of the page after `page`, which was read from `cursor`. Throws if they are the same,
   * because reading on would never end.
   */
  nextCursor(page: { readonly next: string | null }, cursor: string | undefined): string | undefined {
    if (page.next !== null && page.next === cursor) throw this.#unexpected(200);
    return page.next ?? undefined;
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  async #send({ method, path, query, body }: OperationRequest): Promise<{ status: number; json: unknown }> {
    let status: number;
    let text: string;
    try {
      const response = await this.#pool.request({
        method,
        path: this.#root + path + queryString(query),
        headers: {
          accept: 'application/json',
          ...(this.#authorization !== '' && { authorization: this.#authorization }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: body === undefined ? null : JSON.stringify(body),
        // The pool's timeouts do not end a response that arrives byte by byte.
        signal: AbortSignal.timeout(this.#longestResponseMs),
      });
      status = response.statusCode;
      const bytes = Buffer.from(await response.body.arrayBuffer());
      // Decoding invalid UTF-8 would alter gids; a coordinator only sends UTF-8.
      text = isUtf8(bytes) ? bytes.toString() : '';
    } catch (error) {
      const message = `no coordinator responds at ${this.server} (${codeOf(error)}): start one with "holdfast serve", or specify another with --server URL or HOLDFAST_SERVER`;
      throw new CommandError(EXIT.unreachable, message, { cause: error });
    }
    const json = parseJson(text);
    if (status >= 200 && status < 300) return { status, json };
    const problem = problemDetails.safeParse(json).data;
    throw problem === undefined ? this.#unexpected(status) : new ApiProblem(problem);
  }

  #unexpected(status: number, cause?: unknown): CommandError {
    const message = `the server at ${this.server} (HTTP ${status}) is not a Holdfast coordinator of this version; check --server`;
    return new CommandError(EXIT.unreachable, message, { cause });
  }
}

function queryString(query: QueryValues): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.set(name, String(value));
  }
  return search.size === 0 ? '' : `?${search.toString()}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : textOfThrown(error);
