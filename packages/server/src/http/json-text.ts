import { HoldfastError } from '@holdfast/protocol';
import { jsonFaultPosition } from './json-fault.ts';

/** Parses a request's body. Throws `invalid` with the position of what is wrong. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new HoldfastError('invalid', faultOf(text));
  }
}

function faultOf(text: string): string {
  if (text === '') return 'the body is empty; it must be a JSON text';
  const position = jsonFaultPosition(text);
  if (position >= text.length) return `the body is not JSON: it ends too early, at position ${text.length}`;
  return `the body is not JSON: unexpected ${JSON.stringify(text.charAt(position))} at position ${position}`;
}
