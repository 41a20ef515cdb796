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
 * The body as JSON in which dtm's words stand in `dtm_result` alone: old coordinators and clients
 * look for them anywhere in a body, so a message or a returned value that contains one would be
 * read as a decision. There it is written with an escape, and reads the same once it is parsed.
 *
 * @throws {TypeError} the returned value has no JSON (it refers to itself, holds a bigint)
 */
export function wireText({ dtm_result: word, ...rest }: WireBody): string {
  const text = JSON.stringify(rest).replaceAll('FAILURE', '\\u0046AILURE').replaceAll('ONGOING', '\\u004fNGOING');
  if (word === undefined) return text;
  return text === '{}' ? `{"dtm_result":"${word}"}` : `{"dtm_result":"${word}",${text.slice(1)}`;
}

/**
 * What the branch's handler returned: the `result` of an answer as participants of this SDK give it
 * (undefined when there is none). An answer of another make is what it is.
 */
export function returnedValue(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || !('dtm_result' in body)) return body;
  const foreign = Object.keys(body).some((key) => key !== 'dtm_result' && key !== 'result');
  if (foreign) return body;
  return 'result' in body ? body.result : undefined;
}

/** Longest answer with a returned value: the limit of a payload, which such a value may become. */
const MAX_TEXT_LENGTH = LIMITS.payloadBytes;

/**
 * The answer to a call that succeeded. The work is done, and nothing that is wrong with the value
 * can make it undone: then it is left out, and `complain` is told.
 */
export function successText(value: unknown, complain: (error: unknown) => void): string {
  try {
    // A value that is far too long is not even written: that could block the process for seconds.
    const text = exceedsJson(value, MAX_TEXT_LENGTH) ? undefined : wireText({ dtm_result: 'SUCCESS', result: value });
    if (text !== undefined && text.length <= MAX_TEXT_LENGTH) return text;
    throw new RangeError(`the returned value is longer than ${MAX_TEXT_LENGTH} characters, and is not answered`);
  } catch (error) {
    complain(error);
    return wireText({ dtm_result: 'SUCCESS' });
  }
}
