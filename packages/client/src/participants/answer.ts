import { resultOfThrown } from '@holdfast/protocol';
import {
  BadBranchCall,
  type BranchCallContext,
  type BranchHandler,
  type BranchOptions,
  readBranchCall,
} from './call.ts';

/** What goes back to the coordinator, whatever the framework. */
export interface BranchAnswer {
  readonly status: number;
  readonly body: { readonly dtm_result?: 'SUCCESS' | 'FAILURE' | 'ONGOING'; readonly message?: string };
}

/**
 * Runs a participant's handler for one call and maps how it ends: returned → 200 SUCCESS, `BranchFailure` → 409 FAILURE, `BranchOngoing` → 425
 * ONGOING, anything else thrown → 500, an unreadable call → 400. Never throws.
 *
 * @param readBody gives the parsed JSON body, undefined when there is none
 */
export async function answerBranchCall<Payload>(
  handler: BranchHandler<Payload>,
  options: BranchOptions<Payload>,
  query: URLSearchParams,
  readBody: () => unknown,
): Promise<BranchAnswer> {
  let call: BranchCallContext<Payload> | undefined;
  try {
    const parsed = readBranchCall(query);
    call = { ...parsed, payload: parse(options, await readBody()) };
    await handler(call);
    return { status: 200, body: { dtm_result: 'SUCCESS' } };
  } catch (error) {
    const answer = answerOfThrown(error);
    if (answer.body.dtm_result === undefined) tell(options.onError, error, call);
    return answer;
  }
}

function parse<Payload>(options: BranchOptions<Payload>, body: unknown): Payload {
  if (options.parse === undefined) return body as Payload;
  try {
    return options.parse(body);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new BadBranchCall(400, `the payload is not as expected: ${why}`, { cause: error });
  }
}

function answerOfThrown(error: unknown): BranchAnswer {
  if (error instanceof BadBranchCall) return { status: error.httpStatus, body: { message: harmless(error.message) } };
  const { kind, reason } = resultOfThrown(error);
  switch (kind) {
    case 'FAILURE':
      return { status: 409, body: { dtm_result: kind, message: reason } };
    case 'ONGOING':
      return { status: 425, body: { dtm_result: kind, message: harmless(reason) } };
    default:
      return { status: 500, body: { message: harmless(reason) } };
  }
}

/** Old coordinators look for these words anywhere in a body; an unknown error must not become a decision there. */
const harmless = (message: string): string => (/FAILURE|ONGOING/.test(message) ? 'internal error' : message);

function tell(onError: BranchOptions<unknown>['onError'], error: unknown, call: BranchCallContext | undefined): void {
  try {
    onError?.(error, call);
  } catch {
    // The hook's own error has nowhere to go: the answer to the coordinator matters more.
  }
}
