import { BadBranchCall } from './call.ts';

export const tooLong = (maxBytes: number): BadBranchCall =>
  new BadBranchCall(413, `the body exceeds ${maxBytes} bytes`);

/**
 * Bytes of a body as text. Throws `BadBranchCall` when they are not UTF-8: decoded all the same,
 * different texts would become one.
 */
export function utf8Text(decode: () => string): string {
  try {
    return decode();
  } catch (error) {
    throw new BadBranchCall(400, 'the body is not UTF-8', { cause: error });
  }
}

export const strictDecoder = () => new TextDecoder('utf-8', { fatal: true });

/** An empty text is no body. */
export function parseJson(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new BadBranchCall(400, 'the body is not JSON', { cause: error });
  }
}
