import type { RootDatabase } from 'lmdb';

/**
 * Who else has the file open; empty when nobody has. LMDB keeps a table of its readers, and each process in it holds a lock of the kernel's that goes when
 * the process goes, however it goes: what a killed one left behind is recognised, without a lock file to clean up.
 */
export function othersThatHaveItOpen(db: RootDatabase<Buffer, Uint8Array>): string {
  db.readerCheck();
  const before = readers(db);
  if (before.length > 0) return nameProcesses(before);
  try {
    // The first read enters us in the table for as long as the file is open. Of two that get here at once, each sees the other.
    db.getBinaryFast(Buffer.of(0));
  } catch {
    // The kernel's lock is at the place of the process id: somebody in another container with the same id has it.
    return `a process of another container, with the id ${process.pid} there`;
  }
  const after = readers(db);
  after.splice(after.indexOf(process.pid), 1);
  return nameProcesses(after);
}

const nameProcesses = (pids: readonly number[]): string =>
  pids.length === 0
    ? ''
    : `process ${[...new Set(pids)].map((pid) => (pid === process.pid ? `${pid} (this one)` : pid)).join(', ')}`;

/** The process ids in LMDB's table of readers, which it only tells as text: a title, then a line each. */
const readers = (db: RootDatabase<Buffer, Uint8Array>): number[] =>
  [...db.readerList().matchAll(/^ *(\d+) /gm)].map((match) => Number(match[1]));
