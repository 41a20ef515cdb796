import { spawn } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const repository = fileURLToPath(new URL('../../', import.meta.url));
const describeWith = join(repository, 'testing/src/describe-with.ts');
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-total-'));
  await symlink(join(repository, 'node_modules'), join(folder, 'node_modules'));
  const config = `
    import { TotalReporter } from ${JSON.stringify(join(repository, 'tools/src/total-reporter.ts'))};
    export default { test: { reporters: ['default', new TotalReporter({ skipFails: process.env.SKIP_FAILS === 'yes' })] } };`;
  await writeFile(join(folder, 'vitest.config.ts'), config);
  await Promise.all(Object.entries(testFiles).map(([name, text]) => writeFile(join(folder, `${name}.test.ts`), text)));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const testFiles = {
  passes: `import { test } from 'vitest'; test('one', () => {}); test('two', () => {});`,
  fails: `import { test } from 'vitest'; test('no', () => { throw new Error('no'); });`,
  skips: `import { test } from 'vitest'; test('later', ({ skip }) => skip('the moon is wrong')); test.skip('bare', () => {});`,
  needs: `
    import { expect, test } from 'vitest'; import { describeWith } from ${JSON.stringify(describeWith)};
    describeWith(['sh', 'no-such-server'], 'a suite', () => { test('inside', () => expect(1).toBe(2)); });
    describeWith(['sh'], 'another suite', () => { test('inside', () => {}); });`,
  unloadable: `import { test } from 'vitest'; import './missing.ts'; test('never seen', () => {});`,
  hook: `
    import { beforeAll, describe, test } from 'vitest';
    describe('suite', () => { beforeAll(() => { throw new Error('no'); }); test('behind it', () => {}); });`,
  uncaught: `import { test } from 'vitest'; test('fine', () => { void Promise.reject(new Error('nobody waits')); });`,
  dies: `import { test } from 'vitest'; test('ends its process', () => { process.kill(process.pid, 'SIGKILL'); });`,
};

describe('the last line of a test run', () => {
  test('states that nothing failed only when the run succeeded, and why tests were skipped', async () => {
    const { last, exit, output } = await run(['passes', 'skips', 'needs']);
    expect({ last, exit }).toEqual({ last: '3 passed, 0 failed, 3 skipped', exit: 0 });
    expect(output).toContain('Skipped: not installed: no-such-server\n  needs.test.ts > a suite > inside\n');
    expect(output).toContain('Skipped: the moon is wrong\n  skips.test.ts > later\n');
    expect(output).toContain('Skipped: no reason given\n  skips.test.ts > bare\n');
  });

  test('counts a failed test, and names it with its error', async () => {
    const { last, exit, output } = await run(['passes', 'fails']);
    expect({ last, exit }).toEqual({ last: '2 passed, 1 failed, 0 skipped', exit: 1 });
    expect(output).toContain('\nFailed: fails.test.ts > no: no\n2 passed');
  });

  test('counts any other error as one failure: in loading a file, in a hook, or uncaught', async () => {
    const { last, exit, output } = await run(['passes', 'unloadable', 'hook', 'uncaught']);
    expect({ last, exit }).toEqual({ last: '3 passed, 3 failed, 1 skipped', exit: 1 });
    const failures = output.split('\n').filter((line) => line.startsWith('Failed: '));
    expect(failures.toSorted()).toEqual([
      'Failed: hook.test.ts > suite: no',
      'Failed: uncaught: nobody waits',
      expect.stringMatching(/^Failed: unloadable.test.ts: .*missing.ts/),
    ]);
  });

  test('counts a test whose process died as a failure', async () => {
    const { last, exit } = await run(['passes', 'dies']);
    expect(last).toMatch(/^2 passed, [1-9] failed, 0 skipped$/);
    expect(exit).toBe(1);
  });

  test('counts a run without a test as a failure', async () => {
    expect(await run(['no-such-file'])).toMatchObject({ last: '0 passed, 1 failed, 0 skipped', exit: 1 });
  });

  test('counts a skipped test as a failure where nothing may be skipped', async () => {
    const { last, exit, output } = await run(['needs'], { SKIP_FAILS: 'yes' });
    expect({ last, exit }).toEqual({ last: '1 passed, 1 failed, 0 skipped', exit: 1 });
    expect(output).toContain('Failed, because nothing may be skipped here: not installed: no-such-server\n');
  });
});

interface Run {
  readonly last: string | undefined;
  readonly exit: number | null;
  readonly output: string;
}

async function run(files: readonly string[], variables: Record<string, string> = {}): Promise<Run> {
  const vitest = join(repository, 'node_modules/vitest/vitest.mjs');
  // A nested run must not inherit settings from the outer run.
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(VITEST|TEST$|NODE_ENV$|NODE_OPTIONS$)/.test(name),
  );
  const child = spawn(process.execPath, [vitest, 'run', ...files], {
    cwd: folder,
    env: { ...Object.fromEntries(inherited), ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
  // The order between two pipes is undefined, so the last line is read from one.
  child.stderr.resume();
  const exit = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { last: output.trimEnd().split('\n').at(-1), exit, output };
}
