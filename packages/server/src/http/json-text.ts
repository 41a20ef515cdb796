import { turns } from '@holdfast/branches/event-loop';
import { HoldfastError } from '@holdfast/protocol';
import { checkJsonBounds } from '@holdfast/api';
import { jsonFaultPosition } from './json-fault.ts';
import { parsePieces } from './parse-in-turns.ts';

/**
 * Parses a request's body. Throws `invalid` with the position of the fault, or `too_large` for too
 * many values.
 */
export function parseJson(text: string): unknown {
  checkJsonBounds(text);
  return parseCounted(text);
}

function parseCounted(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new HoldfastError('invalid', faultOf(text));
  }
}

/**
 * A longer body is processed over several turns of the event loop: a body of megabytes takes
 * milliseconds in each stage, and so does the validation of a saga with a thousand steps without
 * URLs in 8 KB.
 */
const LONGEST_AT_ONCE = 8 * 1024;

/** Whether a body is processed over several turns. */
export const isLong = (body: string | Buffer): boolean => body.length > LONGEST_AT_ONCE;

/** Resolves after other events, and other long requests and responses, have had their turn. */
export const nextTurn = (): Promise<void> => turns.next();

/** `parseJson` for a long body: other events are handled before, during and after. */
export async function parseLongJson(text: string): Promise<unknown> {
  await nextTurn();
  checkJsonBounds(text);
  await nextTurn();
  try {
    const value = await parseInTurns(text);
    await nextTurn();
    return value;
  } catch {
    throw new HoldfastError('invalid', faultOf(text));
  }
}

/** `JSON.parse` over several turns; other events are handled in between. Throws `SyntaxError`. */
export const parseInTurns = (text: string): Promise<unknown> => inTurns(parsePieces(text));

/**
 * Runs a generator to its end and returns its result; other events are handled between its pieces.
 * Throws what the generator throws.
 */
export async function inTurns<T>(pieces: Generator<undefined, T>): Promise<T> {
  for (let next = pieces.next(); ; next = pieces.next()) {
    if (next.done === true) return next.value;
    if (turns.isSpent) await nextTurn();
  }
}

/** Limit of the search for a fault: the search over megabytes takes longer than parsing them. */
const LONGEST_SEARCH = 64 * 1024;

/** Describes why `JSON.parse` rejects a text. */
export function faultOf(text: string): string {
  if (text === '') return 'the body is empty; it must be a JSON text';
  const position = jsonFaultPosition(text.slice(0, LONGEST_SEARCH));
  if (position >= LONGEST_SEARCH) return `the body is not JSON: the fault is behind position ${LONGEST_SEARCH}`;
  if (position >= text.length) return `the body is not JSON: it ends too early, at position ${text.length}`;
  return `the body is not JSON: unexpected ${JSON.stringify(text.charAt(position))} at position ${position}`;
}
