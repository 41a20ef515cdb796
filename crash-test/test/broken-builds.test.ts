import { describe, expect, it } from 'vitest';
import { BROKEN_BUILDS } from '../src/broken-builds.ts';
import { withPatchedBuild } from '../src/patched-build.ts';

describe('the patch of the broken build', () => {
  it.each(BROKEN_BUILDS)('$name fits the code', ({ patches }) => {
    const build = withPatchedBuild(...patches);
    build.dispose();
    expect(patches.length).toBeGreaterThan(0);
  });
});
