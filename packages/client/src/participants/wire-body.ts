import { LIMITS } from '@holdfast/protocol';
import { exceedsJson } from '../json-size.ts';

/** The body of a response, before serialisation. */
export interface WireBody {
  readonly dtm_result?: 'SUCCESS' | 'FAILURE' | 'ONGOING';
  /** The failure, human-readable. */
  readonly message?: string;
  /** What the handler returned. */
  readonly result?: unknown;
}

/**
 * The body as JSON that contains dtm's words only in `dtm_result`. Old coordinators and clients
 * search the whole body for these words, and would read a message or a returned value that contains
 * one as a decision. There the word is escaped, and reads the same once it is parsed.
 *
 * @throws {TypeError} the returned value is not JSON (it is circular, or contains a bigint)
 */
export function wireText({ dtm_result: word, ...rest }: WireBody): string {
  const text = JSON.stringify(rest).replaceAll('FAILURE', '\\u0046AILURE').replaceAll('ONGOING', '\\u004fNGOING');
  if (word === undefined) return text;
  return text === '{}' ? `{"dtm_result":"${word}"}` : `{"dtm_result":"${word}",${text.slice(1)}`;
}

/**
 * The value that the branch's handler returned: the `result` of a response of a participant with
 * this SDK (undefined if there is none). The response of any other participant is returned as it
 * is.
 */
export function returnedValue(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || !('dtm_result' in body)) return body;
  const foreign = Object.keys(body).some((key) => key !== 'dtm_result' && key !== 'result');
  if (foreign) return body;
  return 'result' in body ? body.result : undefined;
}

/** Longest response with a returned value: such a value may become a payload, with that limit. */
const MAX_TEXT_LENGTH = LIMITS.payloadBytes;

/**
 * The response to a call that succeeded. The work is done, so a value that cannot be sent does not
 * change the result: the value is omitted, and `complain` is called.
 */
export function successText(value: unknown, complain: (error: unknown) => void): string {
  try {
    // A value that is far too long is not serialised: that could block the process for seconds.
    const text = exceedsJson(value, MAX_TEXT_LENGTH) ? undefined : wireText({ dtm_result: 'SUCCESS', result: value });
    if (text !== undefined && text.length <= MAX_TEXT_LENGTH) return text;
    throw new RangeError(
      `the returned value is longer than ${MAX_TEXT_LENGTH} characters, so it is omitted from the response`,
    );
  } catch (error) {
    complain(error);
    return wireText({ dtm_result: 'SUCCESS' });
  }
}
