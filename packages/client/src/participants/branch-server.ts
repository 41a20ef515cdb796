import { isPercentEncodedUtf8, readableThrown, textOfThrown, URL_COORDINATES_HEADER } from '@holdfast/protocol';
import type { Barrier } from '../barrier/barrier.ts';
import { behindBarrier } from './behind-barrier.ts';
import { BadBranchCall, type BarrierHandler, type BranchHandler, type BranchOptions, readBranchCall } from './call.ts';
import { type CallOutcome, type ReadCall, serveCall } from './serve-call.ts';
import { parseBytes } from './json-body.ts';
import { verifiedBody, verifierOf } from './verified-call.ts';
import { successText, wireText } from './wire-body.ts';

/** An incoming call, independent of the framework. */
export interface BranchRequest {
  readonly method: string | undefined;
  /** With its query; the part before the query is ignored. */
  readonly url: string | undefined;
  /** Returns the value of a header, named in lower case. */
  readonly header: (name: string) => unknown;
  /**
   * Returns the parsed JSON body; undefined if there is none. Called once, after the query was
   * validated.
   */
  readonly readBody: () => unknown;
  /**
   * Returns the bytes of the body as they were received, instead of `readBody`, for a call that is
   * verified.
   */
  readonly readBytes: () => Uint8Array | Promise<Uint8Array>;
}

/** The response to the coordinator, independent of the framework. */
export interface BranchResponse {
  readonly status: number;
  /** JSON, to be sent as it is. */
  readonly text: string;
}

/** Serves calls of one branch URL. Never throws. */
export type BranchServer = (request: BranchRequest) => Promise<BranchResponse>;

/** The two ways to call `branch`: `(handler, options?)` and `(barrier, handler, options?)`. */
export type BranchArguments<Payload, Tx, Options extends BranchOptions<Payload>> = readonly [
  first: BranchHandler<Payload> | Barrier<Tx>,
  second: BarrierHandler<Payload, Tx> | Options | undefined,
  third: Options | undefined,
];

/**
 * The handler and the options, whichever way they were given; a barrier's handler with the barrier
 * around it.
 */
export function readArguments<Payload, Tx, Options extends BranchOptions<Payload>>([
  first,
  second,
  third,
]: BranchArguments<Payload, Tx, Options>): {
  readonly handler: BranchHandler<Payload>;
  readonly options: Partial<Options>;
} {
  if (typeof first === 'function') {
    if (typeof second === 'function')
      throw new TypeError('branch takes (handler, options) or (barrier, handler, options)');
    return { handler: first, options: second ?? {} };
  }
  if (typeof second !== 'function') throw new TypeError('branch(barrier, handler, options) needs a handler');
  return { handler: behindBarrier(first, second), options: third ?? {} };
}

/**
 * Serves a participant's handler and maps its outcome to a response: returned → 200 SUCCESS,
 * `BranchFailure` → 409 FAILURE, `BranchOngoing` → 425 ONGOING, any other error → 500, an
 * unreadable call → 400, a call that is not signed as `verify` demands → 401, another method → 405,
 * too long a body → 413. `currentBranch` returns the call while the handler runs.
 *
 * @throws {TypeError} an option is wrong
 */
export function branchServer<Payload>(
  handler: BranchHandler<Payload>,
  options: Partial<BranchOptions<Payload>>,
): BranchServer {
  const parse = options.parse ?? options.of?.parse;
  const verifier = verifierOf(options.verify);
  return async ({ method, url, header, readBody, readBytes }) => {
    const read = async (): Promise<ReadCall<Payload>> => {
      if (method !== 'POST' && method !== 'GET')
        throw new BadBranchCall(405, `a coordinator calls with POST or GET, not ${method}`);
      if (!isPercentEncodedUtf8(url ?? '')) throw new BadBranchCall(400, 'the percent-encoded query is not UTF-8');
      const which = header(URL_COORDINATES_HEADER);
      const target = (): string => `${targetOf(url ?? '')}${typeof which === 'string' ? ` ${which}` : ''}`;
      // First: a caller that is not a coordinator learns nothing else.
      const verified = verifier && (await verifiedBody(verifier, { method, target, header, readBytes }));
      const call = readBranchCall(queryOf(url ?? ''), typeof which === 'string' ? which : undefined);
      const body = verified === undefined ? await readBody() : parseBytes(verified);
      const context = { ...call, payload: await payloadOf(body, parse) };
      return { context, place: `${String(header('host'))} ${pathOf(url ?? '')}` };
    };
    return responseOf(await serveCall(handler, options, read));
  };
}

/** Path and query of a URL, in the form in which the coordinator sent them. */
function targetOf(url: string): string {
  if (url.startsWith('/')) return url;
  // A framework may add scheme and host.
  const [, target = ''] = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*([^#]*)/i.exec(url) ?? [];
  return target;
}

const pathOf = (url: string): string => url.split('?', 1)[0] ?? '';

/** Does not use `URL`, which would validate the part before the query, too. */
function queryOf(url: string): URLSearchParams {
  const start = url.indexOf('?');
  return new URLSearchParams(start < 0 ? '' : url.slice(start + 1));
}

/**
 * The payload of a call, validated. An asynchronous parser is awaited.
 *
 * @throws {BadBranchCall} the parser threw
 */
export async function payloadOf<Payload>(
  body: unknown,
  parse: ((body: unknown) => Payload) | undefined,
): Promise<Payload> {
  if (parse === undefined) return body as Payload;
  try {
    return await parse(body);
  } catch (thrown) {
    const cause = readableThrown(thrown);
    throw new BadBranchCall(400, `the payload is not as expected: ${textOfThrown(cause)}`, { cause });
  }
}

function responseOf(outcome: CallOutcome): BranchResponse {
  switch (outcome.kind) {
    case 'SUCCESS':
      return { status: 200, text: successText(outcome.value, outcome.complain) };
    case 'FAILURE':
      return { status: 409, text: wireText({ dtm_result: 'FAILURE', message: outcome.reason }) };
    case 'ONGOING':
      return { status: 425, text: wireText({ dtm_result: 'ONGOING', message: outcome.reason }) };
    case 'UNKNOWN':
      return { status: 500, text: wireText({ message: outcome.reason }) };
    case 'BAD':
      return { status: outcome.error.httpStatus, text: wireText({ message: outcome.error.message }) };
  }
}
