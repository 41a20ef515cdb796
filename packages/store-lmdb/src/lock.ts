import type { RootDatabase } from 'lmdb';

/**
 * The other processes that have the file open; empty if there are none. LMDB keeps a table of its
 * readers, and each process in it holds a kernel lock that is released whenever the process ends.
 * The entry of a killed process is therefore recognised, without a lock file to clean up.
 */
export function othersThatHaveItOpen(db: RootDatabase<Buffer, Uint8Array>): string {
  db.readerCheck();
  const before = readers(db);
  if (before.length > 0) return nameProcesses(before);
  try {
    // The first read enters this process in the table while the file is open. If two processes
    // reach this point at once, each sees the other.
    db.getBinaryFast(Buffer.of(0));
  } catch {
    // The kernel lock is at the offset of the process ID: a process in another container with the
    // same ID has it.
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

/**
 * The process IDs in LMDB's table of readers, which LMDB returns only as text: a title, then one
 * line each.
 */
const readers = (db: RootDatabase<Buffer, Uint8Array>): number[] =>
  [...db.readerList().matchAll(/^ *(\d+) /gm)].map((match) => Number(match[1]));
