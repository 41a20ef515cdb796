import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const RESULTS = fileURLToPath(new URL('../../results', import.meta.url));

/** Creates the folder for the CPU profiles of this run. */
export function newProfileFolder(): string {
  const folder = join(RESULTS, `cpu-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`);
  mkdirSync(folder, { recursive: true });
  return folder;
}
