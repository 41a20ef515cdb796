/**
 * How a participant misbehaves in one op of one branch:
 *
 * - `refuse`: business failure, no effect, each time
 * - `unknown`: responds with 500, without an effect
 * - `ongoing`: responds with "still running", without an effect
 * - `slow`: the effect at once, the response later
 * - `late`: effect and response later, when the caller may have timed out
 * - `lost`: the effect at once, then the connection breaks without a response
 * - `twice`: the call arrives a second time after the delay (only calls through the relay of
 *   `participant-chaos`)
 */
export type FaultKind = 'none' | 'refuse' | 'unknown' | 'ongoing' | 'slow' | 'late' | 'lost' | 'twice';

/** The first `times` calls of the op misbehave like `kind`; the ones after it behave. */
export interface Fault {
  readonly kind: FaultKind;
  readonly times: number;
  readonly delayMs: number;
}

/** Behaves. */
export const NO_FAULT: Fault = { kind: 'none', times: 0, delayMs: 0 };

/** `times` of a fault that never goes away. */
export const ALWAYS = 1_000_000;

const KINDS: readonly FaultKind[] = ['none', 'refuse', 'unknown', 'ongoing', 'slow', 'late', 'lost', 'twice'];

/** The fault as a URL carries it: `kind.times.delayMs`. */
export function writeFault(fault: Fault): string {
  return `${fault.kind}.${fault.times}.${fault.delayMs}`;
}

/** Reads what `writeFault` wrote; anything else is "behaves". */
export function readFault(text: string | null): Fault {
  const [kind, times, delayMs] = (text ?? '').split('.');
  const known = KINDS.find((one) => one === kind);
  if (known === undefined) return NO_FAULT;
  return { kind: known, times: Number(times), delayMs: Number(delayMs) };
}

/** What the `call`-th call (from 1) of an op with this fault meets. */
export function faultOfCall(fault: Fault, call: number): FaultKind {
  return call <= fault.times ? fault.kind : 'none';
}
