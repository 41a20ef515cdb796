import { expect, it } from 'vitest';
import { runCli } from '../support/run-cli.ts';

it.each([
  ['boltdb:///var/lib/dtm', 'boltdb:'],
  ['dtm.bolt', 'a text without a scheme'],
])('a database that cannot be read is named by its scheme: %s', async (from, named) => {
  const { err, exitCode } = await runCli(['import', '--from', from]);
  expect(exitCode).toBe(2);
  expect(err.join('\n')).toContain(`begins with postgres://, mysql:// or redis://, not with ${named};`);
});
