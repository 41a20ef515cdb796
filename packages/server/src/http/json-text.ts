import { HoldfastError } from '@holdfast/protocol';
import { checkJsonBounds, turns } from '@holdfast/runtime';
import { jsonFaultPosition } from './json-fault.ts';
import { parsePieces } from './parse-in-turns.ts';

/** Parses a request's body. Throws `invalid` with the position of what is wrong, `too_large` for too many values. */
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
 * A longer body is read in several turns of the event loop: each part of the work takes
 * milliseconds where the body has megabytes, and validating a saga of a thousand steps without URLs
 * does where it has 8 KB.
 */
const LONGEST_AT_ONCE = 8 * 1024;

/** Whether a body is to be read in several turns. */
export const isLong = (body: string | Buffer): boolean => body.length > LONGEST_AT_ONCE;

/** Resolves when other events have had their turn, and other long requests and responses theirs. */
export const nextTurn = (): Promise<void> => turns.next();

/** `parseJson` for a long body: other events get their turns before, meanwhile and after. */
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

/** `JSON.parse`; other events get their turns meanwhile. Throws `SyntaxError`. */
export const parseInTurns = (text: string): Promise<unknown> => inTurns(parsePieces(text));

/**
 * The result of work that yields after each piece; other events get their turns meanwhile. Throws
 * what the work throws.
 */
export async function inTurns<T>(pieces: Generator<undefined, T>): Promise<T> {
  for (let next = pieces.next(); ; next = pieces.next()) {
    if (next.done === true) return next.value;
    if (turns.isSpent) await nextTurn();
  }
}

/** A fault is looked for up to here: to find it in megabytes takes longer than to parse them. */
const LONGEST_SEARCH = 64 * 1024;

/** Describes why `JSON.parse` refuses a text. */
export function faultOf(text: string): string {
  if (text === '') return 'the body is empty; it must be a JSON text';
  const position = jsonFaultPosition(text.slice(0, LONGEST_SEARCH));
  if (position >= LONGEST_SEARCH) return `the body is not JSON: the fault is behind position ${LONGEST_SEARCH}`;
  if (position >= text.length) return `the body is not JSON: it ends too early, at position ${text.length}`;
  return `the body is not JSON: unexpected ${JSON.stringify(text.charAt(position))} at position ${position}`;
}
