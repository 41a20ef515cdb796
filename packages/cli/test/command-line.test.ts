import { expect, it } from 'vitest';
import { HoldfastProcess } from '@holdfast/testing/holdfast-process';
import { freePort } from '@holdfast/testing/servers';

/** Runs the built command line as a shell would. */
async function holdfast(args: string, env: Readonly<Record<string, string>> = {}) {
  const run = new HoldfastProcess(args.split(' '), { env });
  const code = await run.ended;
  return { code, out: run.out, err: run.err };
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
