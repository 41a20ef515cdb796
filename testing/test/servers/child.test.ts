import { expect, it } from 'vitest';
import { captureChild, runChild, startChild } from '../../src/servers/child.ts';
import { untilReady } from '../../src/servers/ready.ts';

const DEAF = `process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000);`;

it('gives what a process wrote', async () => {
  await expect(runChild(process.execPath, ['-e', 'console.log(1 + 1)'])).resolves.toBe('2\n');
});

it('rejects with what a failing process wrote', async () => {
  const failing = runChild(process.execPath, ['-e', 'console.error("no disk"); process.exit(4)']);
  await expect(failing).rejects.toThrow(/ended with 4:\nno disk/);
});

it('rejects when there is no such program', async () => {
  await expect(runChild('/no/such/program', [])).rejects.toThrow(/ENOENT/);
});

it('captures the exit code of a process that fails on purpose', async () => {
  const captured = await captureChild(process.execPath, ['-e', 'console.log("partial"); process.exit(1)']);
  expect(captured).toEqual({ code: 1, output: 'partial\n' });
});

it('kills a process that ignores the signal', async () => {
  const child = startChild(process.execPath, ['-e', DEAF]);
  await untilReady(child, async () => child.output() === 'up\n', 10_000);
  await child.stop('SIGTERM', 100);
  expect(child.ended()).toBe(true);
});

it('quotes the output of a server that exits while it is starting', async () => {
  const child = startChild(process.execPath, ['-e', 'console.log("port in use")']);
  await expect(untilReady(child, async () => false, 10_000)).rejects.toThrow(/ended while starting:\nport in use/);
});
