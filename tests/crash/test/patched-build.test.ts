import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BROKEN_BUILDS } from '../src/broken-builds.ts';
import { PatchError, replaceOnce, withPatchedBuild } from '../src/patched-build.ts';

/** A line of `packages/protocol/dist/limits.js`, and what it becomes. */
const BIGGER_GIDS = {
  package: 'protocol',
  file: 'limits.js',
  replace: [['gidLength: 128', 'gidLength: 129']],
} as const;

describe('a patched build', () => {
  it('runs the patched code, also where another package imports it, and leaves the workspace as it is', () => {
    const build = withPatchedBuild(BIGGER_GIDS);
    onTestFinished(() => build.dispose());
    const program = `import { LIMITS } from '@holdfast/protocol'; console.log(LIMITS.gidLength)`;
    const run = (folder: string): string =>
      execFileSync(process.execPath, ['--input-type=module', '-e', program], { cwd: folder, encoding: 'utf8' });
    expect(run(join(build.root, 'packages/core'))).toBe('129\n');
    expect(run(process.cwd())).toBe('128\n');
  });

  it('is deleted when it is disposed of', () => {
    const build = withPatchedBuild();
    expect(existsSync(build.root)).toBe(true);
    build.dispose();
    expect(existsSync(build.root)).toBe(false);
    expect(readFileSync(join(process.cwd(), 'packages/protocol/dist/limits.js'), 'utf8')).toContain('gidLength: 128');
  });

  it.each(BROKEN_BUILDS)('can be made: $name', ({ patches }) => {
    expect(() => withPatchedBuild(...patches).dispose()).not.toThrow();
  });

  it.each([
    ['misses the text', 'limits.js', 'gidLength: 127'],
    ['finds it more than once', 'limits.js', 'Length'],
    ['misses the file', 'nothing.js', ''],
  ])('is rejected if a patch %s', (_, file, from) => {
    expect(() => withPatchedBuild({ package: 'protocol', file, replace: [[from, '']] })).toThrow(PatchError);
  });

  it('takes a replacement literally', () => {
    expect(replaceOnce('a b c', [['b', '$& $1']], 'text')).toBe('a $& $1 c');
  });
});
