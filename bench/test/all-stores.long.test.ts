import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const SHORT = ['--rounds', '1', '--seconds', '1', '--warm-up', '0', '--connections', '256', '-o', 'json'];

interface Line {
  readonly name: string;
  readonly errors: number;
  readonly databaseCpuMicrosPerSaga?: number;
  readonly rounds: readonly { readonly completed: number }[];
}

describeWith(['postgres', 'mariadbd', 'redis-server'], 'every store', () => {
  test('is measured at 256 connections without an error, beside the ceiling', async () => {
    const child = spawn(process.execPath, [MAIN, '--store', 'all', ...SHORT], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
    const { lines, leftOut } = JSON.parse(output) as { lines: readonly Line[]; leftOut: readonly unknown[] };
    expect(leftOut).toEqual([]);
    expect(code).toBe(0);
    expect(lines.map(({ name, errors }) => ({ name, errors }))).toEqual(
      ['ceiling', 'memory', 'lmdb', 'postgres', 'mariadb', 'redis-everysec', 'redis-always'].map((name) => ({
        name,
        errors: 0,
      })),
    );
    for (const { rounds } of lines) expect(rounds[0]?.completed).toBeGreaterThan(0);
    for (const line of lines.slice(3)) expect(line.databaseCpuMicrosPerSaga).toBeGreaterThan(0);
  });
});
