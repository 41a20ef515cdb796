import type { Writable } from 'node:stream';
import { HTTP_SERVER_SETTINGS } from '@holdfast/runtime';
import { nextTurn } from './json-text.ts';
import { places } from './places.ts';

/**
 * Writes texts to a stream, each when the receiver has taken those before it and other events had
 * their turn. Resolves when all were written, or the stream has closed. A text that cannot be made
 * breaks the response off: the receiver must not take what it has for the whole. A receiver that
 * takes no part for as long as a connection may be idle is disconnected: the response's memory is
 * freed. So is one that takes none for five seconds while requests wait for a place.
 */
export async function sendParts(
  to: Writable,
  parts: Iterable<string>,
  write: (part: string) => boolean,
): Promise<void> {
  try {
    for (const part of parts) {
      if (!to.writable || to.destroyed) return;
      if (!write(part)) await drained(to);
      await nextTurn();
    }
  } catch {
    to.destroy();
  }
}

/** How often a receiver is looked at that takes nothing. */
const CHECK_MS = 5_000;
/** As long as a connection may be idle. */
const LONGEST_CHECKS = HTTP_SERVER_SETTINGS.keepAliveTimeout / CHECK_MS;

/**
 * Resolves when the receiver has taken what was written. One that takes nothing for too long is
 * disconnected.
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
