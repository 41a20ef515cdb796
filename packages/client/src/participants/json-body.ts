import { BadBranchCall } from './call.ts';

export const tooLong = (maxBytes: number): BadBranchCall =>
  new BadBranchCall(413, `the body exceeds ${maxBytes} bytes`);

/**
 * Bytes of a body as text. Throws `BadBranchCall` if they are not UTF-8: with replacement
 * characters, different texts would become equal.
 */
export function utf8Text(decode: () => string): string {
  try {
    return decode();
  } catch (error) {
    throw new BadBranchCall(400, 'the body is not UTF-8', { cause: error });
  }
}

export const strictDecoder = () => new TextDecoder('utf-8', { fatal: true });

/** The JSON in the bytes of a body; undefined if there are none. Throws `BadBranchCall`. */
export const parseBytes = (bytes: Uint8Array): unknown => parseJson(utf8Text(() => strictDecoder().decode(bytes)));

/** Returns undefined for an empty text, which means that there is no body. */
export function parseJson(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new BadBranchCall(400, 'the body is not JSON', { cause: error });
  }
}
