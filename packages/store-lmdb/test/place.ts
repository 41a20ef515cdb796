import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StorePlace } from '@holdfast/conformance';
import { createLmdbStore } from '../src/index.ts';
import { damageFile } from './damage-file.ts';

/** The path of a program of these tests; it runs the built packages. */
export const programPath = (name: string): string => fileURLToPath(new URL(`programs/${name}`, import.meta.url));

/** A new folder in the system's folder for temporary files. */
export const newFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'holdfast-lmdb-'));

export interface LmdbPlace extends StorePlace {
  readonly path: string;
}

/** A new folder, with clocks that only the test moves. */
export async function createPlace(): Promise<LmdbPlace> {
  const path = await newFolder();
  let wallMs = 1_700_000_000_000;
  let monotonicMs = 1_000;
  return {
    path,
    createStore: () => createLmdbStore({ path, wallMs: () => wallMs, monotonicMs: () => monotonicMs }),
    moveWallClock: (byMs) => void (wallMs += byMs),
    passTime: (byMs) => {
      wallMs += byMs;
      monotonicMs += byMs;
    },
    damage: (gid, damage) => damageFile(path, gid, damage),
    writerProcess: { command: process.execPath, args: [programPath('crash-writer.mjs'), path] },
    remove: () => rm(path, { recursive: true, force: true }),
  };
}
