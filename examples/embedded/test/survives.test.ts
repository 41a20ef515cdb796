import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/** Starts the example in a separate folder, and collects its output lines. */
function start(folder: string): {
  readonly child: ChildProcess;
  readonly lines: () => string[];
  readonly ended: Promise<unknown>;
} {
  const child = spawn(process.execPath, [MAIN], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  child.stdout?.on('data', (chunk) => (output += String(chunk)));
  return { child, lines: () => output.split('\n').filter((line) => line !== ''), ended: once(child, 'close') };
}

test('a saga killed between its two functions is finished by the next start', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-embedded-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));

  const killed = start(folder);
  await vi.waitFor(() => expect(killed.lines()).toHaveLength(1), { timeout: 30_000 });
  killed.child.kill('SIGKILL');
  await killed.ended;
  const gid = killed.lines()[0]?.split(':')[0] ?? '';
  expect(killed.lines()).toEqual([`${gid}: debit 30`]);

  const next = start(folder);
  await next.ended;
  expect(next.child.exitCode).toBe(0);
  const ownGid =
    next
      .lines()
      .find((line) => line.endsWith(': done'))
      ?.split(':')[0] ?? '';
  expect(ownGid).not.toBe(gid);
  expect(next.lines().filter((line) => line.startsWith(ownGid))).toEqual([
    `${ownGid}: debit 30`,
    `${ownGid}: credit 30`,
    `${ownGid}: done`,
  ]);
  // The kill may have come before the debit's success was stored. The debit may therefore be
  // called again; the credit is called once.
  const before = next.lines().filter((line) => line.startsWith(gid));
  expect(before.at(-1)).toBe(`${gid}: credit 30`);
  expect(before.slice(0, -1).every((line) => line === `${gid}: debit 30`)).toBe(true);
});
