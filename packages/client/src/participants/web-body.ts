import { BadBranchCall } from './call.ts';
import { parseJson, strictDecoder, tooLong, utf8Text } from './json-body.ts';

/** The part of Hono's request that is used here. */
interface WebRequest {
  readonly raw: Request;
  header(name: string): string | undefined;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/**
 * Reads a body of bounded length as JSON; undefined if there is none. A body that a middleware has
 * read before is taken from Hono's cache.
 */
export async function readWebJson(request: WebRequest, maxBytes: number): Promise<unknown> {
  if (Number(request.header('content-length') ?? 0) > maxBytes) throw tooLong(maxBytes);
  const { raw } = request;
  if (raw.bodyUsed) {
    const bytes = new Uint8Array(await request.arrayBuffer());
    if (bytes.length > maxBytes) throw tooLong(maxBytes);
    return parseJson(
      refuseAltered(
        utf8Text(() => strictDecoder().decode(bytes)),
        bytes.length,
        request,
      ),
    );
  }
  if (raw.body === null) return undefined;
  const decoder = strictDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of chunksOf(raw.body.getReader())) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLong(maxBytes);
    text += utf8Text(() => decoder.decode(chunk, { stream: true }));
  }
  return parseJson(text + utf8Text(() => decoder.decode()));
}

/**
 * Reads a body of bounded length. A body that a middleware has read before is taken from Hono's
 * cache: if the middleware has parsed it, its bytes may be others than those that were received.
 */
export async function readWebBytes(request: WebRequest, maxBytes: number): Promise<Uint8Array> {
  if (Number(request.header('content-length') ?? 0) > maxBytes) throw tooLong(maxBytes);
  const { raw } = request;
  if (raw.bodyUsed) {
    const kept = await keptBytes(request);
    if (kept.length > maxBytes) throw tooLong(maxBytes);
    return kept;
  }
  if (raw.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunksOf(raw.body.getReader())) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLong(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The bytes of a body that a middleware has read before; some versions of Hono lose them. */
async function keptBytes(request: WebRequest): Promise<Uint8Array> {
  const altered = (cause?: unknown): Error =>
    new Error(
      'the call cannot be verified, since a middleware has read its body and its bytes were not kept: ' +
        'put the route before it, or read the body as an ArrayBuffer there',
      { cause },
    );
  let kept: Uint8Array;
  try {
    kept = new Uint8Array(await request.arrayBuffer());
  } catch (error) {
    throw altered(error);
  }
  const announced = request.header('content-length');
  if (announced !== undefined && Number(announced) !== kept.length) throw altered();
  return kept;
}

/**
 * Rejects a text in which a middleware has replaced bytes that are not UTF-8. The changed length
 * reveals this, except for a character that was cut off after three of its four bytes.
 */
function refuseAltered(text: string, bytes: number, request: WebRequest): string {
  if (text.includes(REPLACEMENT) && Number(request.header('content-length') ?? Number.NaN) !== bytes)
    throw new BadBranchCall(400, 'the body is not UTF-8, or was altered by what read it before the branch');
  return text;
}

const REPLACEMENT = '\ufffd';

/** Reads a stream, since not every runtime can iterate over one. The unread rest is cancelled. */
async function* chunksOf(reader: ReadableStreamDefaultReader<Uint8Array>): AsyncGenerator<Uint8Array> {
  let ended = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      ended = done;
      if (done) return;
      yield value;
    }
  } finally {
    if (!ended) await reader.cancel();
  }
}
