import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { BROKEN_SDKS } from '../../src/chaos/broken-sdks.ts';
import { replaceOnce } from '../../src/patched-build.ts';

const PACKAGES = fileURLToPath(new URL('../../../../packages/', import.meta.url));

describe('the SDKs that are broken on purpose', () => {
  // Each takes half a minute to convict: `chaos.long.test.ts`.
  it.each(BROKEN_SDKS)('$name: its patch fits', ({ patches }) => {
    for (const { package: folder, file, replace } of patches) {
      const source = readFileSync(`${PACKAGES}${folder}/dist/${file}`, 'utf8');
      expect(replaceOnce(source, replace, file)).not.toBe(source);
    }
  });
});
