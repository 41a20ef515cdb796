import { chmodSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Folder of the library of Debian's package `faketime`, by architecture. */
const LIBRARY_ROOT = '/usr/lib';
const LIBRARY = 'faketime/libfaketime.so.1';

/** A wall clock that a test sets while servers run on it; their monotonic clock stays real. */
export interface FakeClock {
  /** Environment variables of a server that runs on this clock. */
  readonly environment: NodeJS.ProcessEnv;
  /** Sets the clock to the real time plus some seconds, which may be negative. */
  set(aheadSeconds: number): void;
  remove(): void;
}

/** Creates a clock that shows the real time; undefined if faketime is not installed. */
export function createFakeClock(): FakeClock | undefined {
  const library = libraryPath();
  if (library === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-clock-'));
  // Servers run as other accounts.
  chmodSync(folder, 0o755);
  const file = join(folder, 'offset');
  const set = (aheadSeconds: number): void => {
    // Replaced atomically by a rename: a server may read the file at any moment.
    const next = `${file}.next`;
    writeFileSync(next, `${aheadSeconds < 0 ? '' : '+'}${aheadSeconds}\n`, { mode: 0o644 });
    renameSync(next, file);
  };
  set(0);
  return {
    environment: {
      // Redis brings an allocator that reads the clock when it starts, which crashes faketime, so
      // the system's allocator is loaded first.
      LD_PRELOAD: `${library}:libc.so.6`,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    },
    set,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function libraryPath(): string | undefined {
  for (const entry of readdirSync(LIBRARY_ROOT, { withFileTypes: true })) {
    if (!entry.isDirectory() || !entry.name.endsWith('-linux-gnu')) continue;
    const folder = join(LIBRARY_ROOT, entry.name);
    try {
      if (readdirSync(join(folder, 'faketime')).includes('libfaketime.so.1')) return join(folder, LIBRARY);
    } catch {
      continue; // Not installed for this architecture.
    }
  }
  return undefined;
}
