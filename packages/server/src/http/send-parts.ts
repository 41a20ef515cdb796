import type { Writable } from 'node:stream';
import { nextTurn } from './json-text.ts';

/**
 * Writes texts to a stream, each when the receiver has taken those before it and other events had their turn. Resolves
 * when all were written, or the stream has closed. A text that cannot be made breaks the response off: the receiver
 * must not take what it has for the whole.
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

function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done).off('close', done);
      resolve();
    };
    stream.on('drain', done).on('close', done);
  });
}
