import { BranchFailure } from '@holdfast/protocol';
import type { Barrier, BarrierOutcome } from '../barrier/barrier.ts';
import { MAX_RESULT_BYTES } from '../barrier/results.ts';
import { exceedsJson } from '../json-size.ts';
import { keptJson } from '../kept-json.ts';
import type { StepCodec } from '../workflow/flow.ts';
import type { BarrierHandler, BranchCallContext, BranchHandler } from './call.ts';

/**
 * A handler with a barrier around it. Responses are JSON, so a repeated call returns the JSON of
 * the first response.
 *
 * If that result was not kept, since it is too long, the response depends on the caller. The
 * coordinator of a saga or message reads no result and receives success. The initiator of a tcc or
 * a workflow continues with the result and must not receive a different one, so it receives a
 * failure and cancels or undoes the branch.
 */
export const behindBarrier =
  <Payload, Tx>(barrier: Barrier<Tx>, handler: BarrierHandler<Payload, Tx>): BranchHandler<Payload> =>
  async (call) => {
    const outcome = await barrier.run(call, (tx) => handler(call, tx), { codec: WIRE_FORM });
    if (!outcome.ran) refuseWithoutResult(call, outcome);
    return outcome.value;
  };

function refuseWithoutResult(
  { transType, op }: BranchCallContext,
  { unavailable }: Extract<BarrierOutcome<unknown>, { readonly ran: false }>,
): void {
  const isFirstPhase = (transType === 'tcc' && op === 'try') || (transType === 'workflow' && op === 'action');
  if (unavailable !== undefined && isFirstPhase) throw new BranchFailure(unavailable.message, { cause: unavailable });
}

const WIRE_FORM: StepCodec<unknown> = {
  encode: (value) => (keptJson(value, MAX_RESULT_BYTES).kind === 'not_json' ? wireForm(value) : value),
  decode: (json) => json,
};

/** undefined: JSON cannot hold the value, and the first response has no result, either. */
function wireForm(value: unknown): unknown {
  // Not written, and not kept: the barrier decides so from the value itself.
  if (exceedsJson(value, MAX_RESULT_BYTES)) return value;
  // What its type leaves out: it gives nothing for a function.
  const stringify: (json: unknown) => string | undefined = JSON.stringify;
  try {
    const text = stringify(value);
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
