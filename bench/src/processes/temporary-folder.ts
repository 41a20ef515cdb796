import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cleanup } from './cleanup.ts';

/** A folder that is deleted after the run. */
export function temporaryFolder(cleanup: Cleanup): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  cleanup.add(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
