import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);

// It starts a process, which takes its time on a busy machine.
it('is required by a CommonJS script, its parts sharing their classes', { timeout: 60_000 }, async () => {
  const script = fileURLToPath(new URL('./fixtures/require.cjs', import.meta.url));
  const { stdout } = await run(process.execPath, [script]);
  expect(JSON.parse(stdout)).toEqual({
    saga: 26,
    gid: 26,
    functions: ['function', 'function'],
    errors: ['TransactionFailed', true],
  });
});
