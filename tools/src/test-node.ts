/**
 * Runs the unit tests on another version of Node: `npm run test:node -- 22`. The program is fetched
 * from the npm registry into a temporary folder that is deleted at the end.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

const PACKAGES = ['protocol', 'core', 'http2', 'branches', 'client', 'embed', 'store-lmdb'];

/** Tests of these packages that start databases or trace system calls. */
const NEEDS_PROGRAMS =
  /client\/test\/(barrier\/(mysql|postgres|redis|session)|xa-participant\/)|(embed\/test\/xa|durability)\.test\.ts$/;

const version = process.argv[2] ?? '';
if (!/^\d+(\.\d+\.\d+)?$/.test(version)) {
  console.error('Usage: npm run test:node -- VERSION, such as 22 or 22.12.0');
  process.exitCode = 2;
} else {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-node-'));
  try {
    process.exitCode = runTests(fetchNode(version, folder));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Fetches a version of Node; returns the folder of its program. */
function fetchNode(wanted: string, folder: string): string {
  const name = `node-linux-${process.arch}@${wanted}`;
  execFileSync('npm', ['pack', '--silent', name], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  const archive = readdirSync(folder).find((file) => file.endsWith('.tgz'));
  if (archive === undefined) throw new Error(`npm pack ${name} wrote no archive`);
  execFileSync('tar', ['-xzf', archive, 'package/bin/node'], { cwd: folder });
  return join(folder, 'package', 'bin');
}

/** Returns the exit code of the test run. */
function runTests(bin: string): number {
  const node = join(bin, 'node');
  console.log(`Unit tests on Node ${execFileSync(node, ['--version'], { encoding: 'utf8' })}`);
  const projects = ['pure', 'in-process', 'isolated'].flatMap((project) => ['--project', project]);
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  // Processes that a test starts by name run on the same version.
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` };
  const { status } = spawnSync(node, [vitest, 'run', ...projects, ...unitTests()], {
    cwd: root,
    env,
    stdio: 'inherit',
  });
  return status ?? 1;
}

/** Passed one by one: vitest does not apply the option `--exclude` to its projects. */
function unitTests(): readonly string[] {
  const files = PACKAGES.flatMap((name) =>
    readdirSync(join(root, 'packages', name, 'test'), { recursive: true, encoding: 'utf8' }).map(
      (file) => `packages/${name}/test/${file}`,
    ),
  );
  return files.filter((file) => /(?<!\.long)\.test\.ts$/.test(file) && !NEEDS_PROGRAMS.test(file));
}
