import type { Writable } from 'node:stream';
import { HTTP_SERVER_SETTINGS } from './http-settings.ts';
import { nextTurn } from './json-text.ts';
import { slicesOfText } from './json-parts.ts';
import { places } from './places.ts';
import type { Part, Parts } from './reply.ts';

/**
 * Writes the parts of a stream, each after the receiver has taken the previous ones and other
 * events had their turn. Resolves when all were written or the stream has closed. If a part cannot
 * be created, the stream is destroyed, so that the receiver does not take a part for the whole. A
 * receiver that takes nothing for as long as a connection may be idle is disconnected, which frees
 * the response's memory; while requests wait for a place, after five seconds.
 *
 * @param write writes at most `MAX_SLICE` characters or bytes; returns whether the receiver can
 *   take more
 */
export async function sendParts(to: Writable, parts: Parts, write: (slice: Part) => boolean): Promise<void> {
  try {
    if (Symbol.asyncIterator in parts) await sendAsTheyCome(to, parts[Symbol.asyncIterator](), write);
    else {
      for (const part of parts) {
        if (!isOpen(to)) return;
        await sendPart(to, part, write);
      }
    }
  } catch {
    to.destroy();
  }
}

/** Longest text or bytes written at once; a slow receiver holds no more of a large part. */
const MAX_SLICE = 64 * 1024;

const isOpen = (to: Writable): boolean => to.writable && !to.destroyed;

async function sendPart(to: Writable, part: Part, write: (slice: Part) => boolean): Promise<void> {
  for (const slice of slicesOf(part)) {
    if (!write(slice)) await drained(to);
    await nextTurn();
    if (!isOpen(to)) return;
  }
}

/** An empty part has no slice: a chunk of no bytes would end the body. */
function slicesOf(part: Part): Iterable<Part> {
  if (part.length === 0) return [];
  if (part.length <= MAX_SLICE) return [part];
  return typeof part === 'string' ? slicesOfText(part, MAX_SLICE) : slicesOfBytes(part);
}

function* slicesOfBytes(bytes: Uint8Array): Generator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += MAX_SLICE) yield bytes.subarray(from, from + MAX_SLICE);
}

/** The next part may come at any time, or never: the end of the receiver ends the wait. */
async function sendAsTheyCome(
  to: Writable,
  parts: AsyncIterator<Part>,
  write: (slice: Part) => boolean,
): Promise<void> {
  let isDone: boolean | undefined = false;
  try {
    while (isOpen(to)) {
      const next = await nextOrClosed(to, parts);
      if (next === undefined) return;
      isDone = next.done;
      if (next.done === true) return;
      await sendPart(to, next.value, write);
    }
  } finally {
    // Not awaited: a generator returns only after its current wait.
    if (isDone !== true) void parts.return?.().catch(() => undefined);
  }
}

/** The next part; undefined if the receiver disconnects before. */
function nextOrClosed(to: Writable, parts: AsyncIterator<Part>): Promise<IteratorResult<Part> | undefined> {
  return new Promise((resolve, reject) => {
    const closed = (): void => resolve(undefined);
    to.once('close', closed);
    void parts
      .next()
      .then(resolve, reject)
      .finally(() => to.off('close', closed));
  });
}

/** Interval of the check for receivers that take nothing. */
const CHECK_MS = 5_000;
/** Equals the time for which a connection may be idle. */
const LONGEST_CHECKS = HTTP_SERVER_SETTINGS.keepAliveTimeout / CHECK_MS;

/**
 * Resolves when the receiver has taken what was written. Disconnects a receiver that takes nothing
 * for too long.
 */
function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    let checks = 0;
    const check = setInterval(() => {
      if (++checks >= LONGEST_CHECKS || places.areAwaited) stream.destroy();
    }, CHECK_MS).unref();
    const done = (): void => {
      clearInterval(check);
      stream.off('drain', done).off('close', done);
      resolve();
    };
    stream.on('drain', done).on('close', done);
  });
}
