import { constants, type Stats } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { FileFault } from './file-fault.ts';

/** Longest content; far more than any list of authorities or keys. */
export const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** What distinguishes one content of a path from the next, without reading it. */
export async function signatureOf(path: string): Promise<string> {
  try {
    // Follows links, so that a link that now leads to another file is a change.
    const { dev, ino, size, mtimeMs, ctimeMs, mode } = await stat(path);
    return [dev, ino, size, mtimeMs, ctimeMs, mode].join(' ');
  } catch (error) {
    return `fault ${error instanceof Error && 'code' in error ? String(error.code) : ''}`;
  }
}

export interface FileContent {
  readonly bytes: Buffer;
  readonly mode: number;
}

/** Reads a regular file of bounded length. Throws `FileFault`, or the error of the file system. */
export async function readBounded(path: string): Promise<FileContent> {
  // Opening a pipe without this flag would wait for its writer.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stats = await file.stat();
    refuseOdd(stats);
    const bytes = Buffer.alloc(stats.size + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length);
      if (bytesRead === 0) break;
      length += bytesRead;
      if (length === bytes.length) throw new FileFault('it changes while it is read');
    }
    return { bytes: bytes.subarray(0, length), mode: stats.mode };
  } finally {
    await file.close();
  }
}

function refuseOdd(stats: Stats): void {
  if (stats.isDirectory()) throw new FileFault('it is a folder, not a file');
  if (!stats.isFile()) throw new FileFault('it is not a regular file');
  if (stats.size === 0) throw new FileFault('it is empty');
  if (stats.size > MAX_FILE_BYTES) throw new FileFault(`it is longer than ${MAX_FILE_BYTES} bytes`);
}

/**
 * Whether a file with a secret is accessible to accounts that should not be able to read or change
 * it. Its group may read: containers receive secrets so.
 */
export const isTooOpen = (mode: number): boolean => process.platform !== 'win32' && (mode & 0o027) !== 0;
