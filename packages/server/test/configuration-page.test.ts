import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { defaultOf, flagOf, OPTION_NAMES, OPTIONS, variableOf } from '../src/config/options.ts';

const cellsOf = (line: string): readonly string[] =>
  line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll('`', '').replaceAll('\\|', '|'));

describe('docs/configuration.md', () => {
  it('lists every option as the code has it, in its order', async () => {
    const page = await readFile(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
    const rows = page.split('\n').filter((line) => line.startsWith('| `--'));
    expect(rows.map(cellsOf)).toEqual(
      OPTION_NAMES.map((name) => [flagOf(name), variableOf(name), name, defaultOf(name), OPTIONS[name].help]),
    );
  });
});
