import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { aimOf } from '../src/compare/aims.ts';
import { ALL_STORES, PRIVATE_DATABASES } from '../src/databases/private-databases.ts';
import { ownChildren, parseParent, treeCpuSeconds } from '../src/databases/process-tree.ts';

describe("a database's processes", () => {
  test('a parent is found whatever the program is called', () => {
    expect(parseParent('4242 (no de) S) S 17 4242 4242 0 -1 4194304')).toBe(17);
  });

  test('a server that was started is a child of this program; what its own children used counts', async () => {
    const work = 'const end = Date.now() + 300; while (Date.now() < end);';
    const child = spawn('sh', ['-c', `"${process.execPath}" -e '${work}'; echo done; read answer`]);
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    const pid = child.pid ?? 0;
    expect(ownChildren()).toContain(pid);
    // On a busy machine the process may get less CPU time than requested.
    expect(treeCpuSeconds(pid)).toBeGreaterThanOrEqual(0.03);
    child.stdin.end('\n');
    await once(child, 'exit');
    expect(ownChildren()).not.toContain(pid);
    expect(treeCpuSeconds(pid)).toBeUndefined();
  });
});

test('every durable store has an aim at 64 and at 256 connections', () => {
  const names = ['lmdb', ...PRIVATE_DATABASES.map(({ name }) => name)];
  for (const name of names)
    for (const connections of [64, 256]) expect(aimOf(name, connections)).toBeGreaterThanOrEqual(0.45);
  expect(ALL_STORES).toEqual(['memory:', 'lmdb:', ...names.slice(1)]);
});
