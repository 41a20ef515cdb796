import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { embed } from '@holdfast/embed';
import { expect, it, onTestFinished } from 'vitest';
import { SILENT } from './support/silent.ts';

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('./fixtures/require.cjs', import.meta.url));

function temporaryStore(): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-embed-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return `lmdb:${folder}`;
}

it('is required by a CommonJS script, and lets it end when it is closed', async () => {
  const { stdout } = await run(process.execPath, [SCRIPT, temporaryStore()]);
  expect(JSON.parse(stdout)).toEqual({ status: 'succeed', called: [30] });
});

it('rejects a folder that another process has open, and names that process', async () => {
  const store = temporaryStore();
  const hf = await embed({ store, logger: SILENT });
  onTestFinished(() => hf.close());
  await expect(run(process.execPath, [SCRIPT, store])).rejects.toMatchObject({
    stderr: expect.stringContaining(`process ${process.pid}`),
  });
});
