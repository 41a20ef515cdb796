import type { Writable } from 'node:stream';
import { HTTP_SERVER_SETTINGS } from '@holdfast/runtime';
import { nextTurn } from './json-text.ts';
import { places } from './places.ts';

/**
 * Writes texts to a stream, each after the receiver has taken the previous ones and other events
 * had their turn. Resolves when all were written or the stream has closed. If a text cannot be
 * created, the stream is destroyed, so that the receiver does not take a part for the whole. A
 * receiver that takes nothing for as long as a connection may be idle is disconnected, which frees
 * the response's memory; while requests wait for a place, after five seconds.
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
