import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { locate } from './locate.ts';

/** Folder of the library of Debian's package `faketime`, by architecture. */
const LIBRARY_ROOT = '/usr/lib';
const LIBRARY = 'faketime/libfaketime.so.1';
const SIGNAL_SAFE_SOURCE = fileURLToPath(new URL('../../native/clock.c', import.meta.url));

/** A wall clock that a test sets while servers run on it; their monotonic clock stays real. */
export interface FakeClock {
  /** Environment variables of a server that runs on this clock. */
  readonly environment: NodeJS.ProcessEnv;
  /** Sets the clock to the real time plus some seconds, which may be negative. */
  set(aheadSeconds: number): void;
  remove(): void;
}

/**
 * Creates a clock for MariaDB or Redis that shows the real time, by libfaketime, which also adjusts
 * the deadlines for which threads wait; undefined if it is not installed. It opens a file at each
 * call: a signal handler that reads the clock may wait forever for a lock of the code that it
 * interrupted. PostgreSQL therefore needs `createSignalSafeClock`.
 */
export function createFakeClock(): FakeClock | undefined {
  const library = libraryPath();
  if (library === undefined) return undefined;
  const folder = createFolder();
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

/**
 * Creates a clock for PostgreSQL, whose signal handlers read the clock; it shows the real time.
 * Undefined if there is no C compiler (`cc`).
 */
export function createSignalSafeClock(): FakeClock | undefined {
  if (locate('cc') === undefined) return undefined;
  const folder = createFolder();
  const library = join(folder, 'clock.so');
  execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', library, SIGNAL_SAFE_SOURCE]);
  const file = join(folder, 'seconds');
  const encode = (seconds: number): Uint8Array => new Uint8Array(BigInt64Array.of(BigInt(seconds)).buffer);
  writeFileSync(file, encode(0), { mode: 0o644 });
  return {
    environment: { LD_PRELOAD: library, TEST_CLOCK_FILE: file },
    // Not replaced: servers have mapped the file.
    set: (aheadSeconds) => writeFileSync(file, encode(aheadSeconds), { flag: 'r+' }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function createFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-clock-'));
  // Servers run as other accounts.
  chmodSync(folder, 0o755);
  return folder;
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
