import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { freePort } from '@holdfast/testing/servers';

const CLI = fileURLToPath(new URL('../dist/cli.js', import.meta.url));

/** Runs the built command line as a shell would. */
async function holdfast(args: string, env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [CLI, ...args.split(' ')], { env: { PATH: process.env['PATH'], ...env } });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (err += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
}

it('prints its options with examples, and exits with code 2 on wrong usage', async () => {
  const help = await holdfast('list --help');
  expect(help).toMatchObject({ code: 0, err: '' });
  expect(help.out).toContain('$ holdfast list');
  expect(await holdfast('list --limit 0')).toMatchObject({ code: 2, out: '' });
});

it('reports in one line that no coordinator responds, and reads its address from the environment', async () => {
  const port = await freePort();
  const { code, out, err } = await holdfast('list', { HOLDFAST_SERVER: `http://127.0.0.1:${port}` });
  expect([code, out]).toEqual([3, '']);
  expect(err).toMatch(new RegExp(`^holdfast: no coordinator responds at http://127.0.0.1:${port} .*\\n$`));
});
