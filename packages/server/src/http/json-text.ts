import { HoldfastError } from '@holdfast/protocol';
import { checkJsonBounds } from '@holdfast/runtime';
import { jsonFaultPosition } from './json-fault.ts';

/** Parses a request's body. Throws `invalid` with the position of what is wrong, `too_large` for too many values. */
export function parseJson(text: string): unknown {
  checkJsonBounds(text);
  try {
    return JSON.parse(text);
  } catch {
    throw new HoldfastError('invalid', faultOf(text));
  }
}

/** A fault is looked for up to here: to find it in megabytes takes longer than to parse them. */
const LONGEST_SEARCH = 64 * 1024;

function faultOf(text: string): string {
  if (text === '') return 'the body is empty; it must be a JSON text';
  const position = jsonFaultPosition(text.slice(0, LONGEST_SEARCH));
  if (position >= LONGEST_SEARCH) return `the body is not JSON: the fault is behind position ${LONGEST_SEARCH}`;
  if (position >= text.length) return `the body is not JSON: it ends too early, at position ${text.length}`;
  return `the body is not JSON: unexpected ${JSON.stringify(text.charAt(position))} at position ${position}`;
}
