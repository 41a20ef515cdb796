import { BadBranchCall } from './call.ts';

export const tooLong = (maxBytes: number): BadBranchCall =>
  new BadBranchCall(413, `the body exceeds ${maxBytes} bytes`);

/** An empty text is no body. */
export function parseJson(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new BadBranchCall(400, 'the body is not JSON', { cause: error });
  }
}
