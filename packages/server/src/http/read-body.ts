import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { notStarted } from '@holdfast/api';
import { LONGEST_TIMER_MS } from '@holdfast/branches/event-loop';
import { HoldfastError } from '@holdfast/protocol';
import type { BodyReceiver } from './exchange.ts';
import { isLong, nextTurn } from './json-text.ts';

const NO_BYTES = Buffer.alloc(0);
const BYTE_ORDER_MARK = 0xfe_ff;
const REPLACEMENT = '\ufffd';

/**
 * Reads a request's body as text, whatever its content type: dtm's clients often send a wrong one.
 * Throws `too_large` beyond `maxBytes`, and `invalid` if the sender aborts. Of a body without an
 * announced length, bytes beyond `maxBytes` are read and discarded. A body with an announced length
 * beyond `maxBytes` is not read, so the connection may be closed while the sender still writes:
 * such a sender may get a connection error instead of the response. Throws `deadline_exceeded` at
 * the deadline, and discards what arrives later.
 */
export async function readBody(request: IncomingMessage, maxBytes: number, call: BodyReceiver): Promise<string> {
  const bytes = await readBytes(request, maxBytes, call);
  if (isLong(bytes)) await nextTurn();
  return bodyText(bytes);
}

function readBytes(request: IncomingMessage, maxBytes: number, call: BodyReceiver): Promise<Buffer> {
  const { deadlineMs } = call;
  return new Promise((resolve, reject) => {
    let isLate = false;
    let timer: NodeJS.Timeout | undefined;
    const announced = request.headers['content-length'];
    if (announced !== undefined && Number(announced) > maxBytes) return reject(tooLarge(maxBytes));
    let first: Buffer | undefined;
    let rest: Buffer[] | undefined;
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (announced === undefined) call.received?.(chunk.length);
      if (isLate) return;
      if (bytes > maxBytes) reject(tooLarge(maxBytes));
      else if (first === undefined) first = chunk;
      else (rest ??= []).push(chunk);
    });
    request.on('end', () => {
      clearTimeout(timer);
      if (first === undefined) return resolve(NO_BYTES);
      resolve(rest === undefined ? first : Buffer.concat([first, ...rest]));
    });
    request.on('close', () => {
      clearTimeout(timer);
      if (!request.complete) reject(brokenOff());
    });
    if (deadlineMs === undefined) return;
    const onTimer = (): void => {
      // Timers may fire early, and long times take several.
      const leftMs = deadlineMs - performance.now();
      if (leftMs > 0) return void (timer = setTimeout(onTimer, Math.min(Math.ceil(leftMs), LONGEST_TIMER_MS)));
      isLate = true;
      first = rest = undefined;
      reject(notStarted());
    };
    onTimer();
  });
}

/**
 * A body as text, without a byte order mark. Throws `invalid` if it is not UTF-8: decoding would
 * map different texts to the same one.
 */
export function bodyText(body: Buffer): string {
  const text = body.toString();
  // Invalid UTF-8 is decoded as this character, which few texts contain.
  if (text.includes(REPLACEMENT) && !isUtf8(body))
    throw new HoldfastError('invalid', 'the body is not UTF-8; encode it as UTF-8');
  return text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text;
}

const brokenOff = (): HoldfastError => new HoldfastError('invalid', 'the request ended before its body was complete');

export const tooLarge = (maxBytes: number): HoldfastError =>
  new HoldfastError('too_large', `the body must have at most ${maxBytes} bytes`);
