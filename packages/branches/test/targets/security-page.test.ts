import { readFile } from 'node:fs/promises';
import { SPECIAL_RANGES } from '@holdfast/branches';
import { expect, it } from 'vitest';

it('docs/security.md lists every special range as the code has it, in its order', async () => {
  const page = await readFile(new URL('../../../../docs/security.md', import.meta.url), 'utf8');
  const [, section = ''] = page.split('### Special addresses\n');
  const [table = ''] = section.split(/^## /m);
  const rows = [...table.matchAll(/^\| `([^`]+)` +\| (.+?) +\|$/gm)].map(([, text, kind]) => [text, kind]);
  expect(rows).toEqual(SPECIAL_RANGES.map(({ text, kind }) => [text, kind]));
});
