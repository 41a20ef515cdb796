import { BadBranchCall } from './call.ts';
import { parseJson, strictDecoder, utf8Text } from './json-body.ts';

/** The headers of a request of `node:http` that describe its body. */
interface BodyHeaders {
  readonly 'content-length'?: string | undefined;
  readonly 'content-type'?: string | undefined;
  readonly 'content-encoding'?: string | undefined;
}

const FORM = /^\s*(?:application\/x-www-form-urlencoded|multipart\/)/i;

/**
 * The payload of a call whose body a framework or a middleware has read already: bytes and texts
 * are parsed, and what a JSON parser left is the payload.
 *
 * @throws {BadBranchCall} the body is not JSON, or a parser of something else has read it
 */
export function parsedBody(body: unknown, headers: BodyHeaders): unknown {
  if (body instanceof Uint8Array) return parseJson(utf8Text(() => strictDecoder().decode(body)));
  if (typeof body === 'string') return readText(body, headers);
  // A form parser makes an object of any text, with the text as its only key.
  if (typeof body === 'object' && body !== null && FORM.test(headers['content-type'] ?? ''))
    throw new BadBranchCall(
      400,
      'the body was parsed as a form: set the content type of the branch to application/json',
    );
  return body;
}

/**
 * A text is either the whole body, which a text parser has left, or the payload, which a JSON
 * parser has left. Only the length of the body distinguishes the two: JSON of a text is two quotes
 * longer than the text.
 */
function readText(text: string, headers: BodyHeaders): unknown {
  const bytes = headers['content-encoding'] === undefined ? Number(headers['content-length']) : Number.NaN;
  if (Buffer.byteLength(text) === bytes) return parseJson(text);
  if (Buffer.byteLength(JSON.stringify(text)) === bytes) return text;
  throw new BadBranchCall(
    400,
    'the body was parsed as a text, which alters what is not UTF-8: parse it as JSON, or leave it to the branch',
  );
}
