import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RunningServer, startServer } from '@holdfast/server';
import { runCli } from './support/run-cli.ts';

let coordinator: RunningServer;
let folder: string;

beforeEach(async () => {
  coordinator = await startServer({ store: 'memory:', httpPort: 0, audit: 'on' });
  folder = await mkdtemp(join(tmpdir(), 'holdfast-audit-'));
  for (const gid of ['g1', 'g2', 'g3']) await run(`stop ${gid} --reason broken`);
});
afterEach(async () => {
  await coordinator.close();
  await rm(folder, { recursive: true });
});

const run = (args: string) => runCli([...args.split(' '), '--server', coordinator.url]);

async function exported(): Promise<{ readonly file: string; readonly lines: string[]; readonly last: string }> {
  const { out, err, exitCode } = await run('audit export');
  expect(exitCode).toBe(0);
  const file = join(folder, 'audit.ndjson');
  await writeFile(file, out.join('\n') + '\n');
  const [, last = ''] = /the last point is (\S+)/.exec(err.join('\n')) ?? [];
  return { file, lines: out, last };
}

describe('holdfast audit', () => {
  it('lists each action once, newest first, with its result and its reason', async () => {
    const { out } = await run('audit list --operation stopTransaction');
    expect(out[0]).toMatch(/^NUMBER +TIME +PRINCIPAL +FROM +OPERATION +RESULT +ON +REASON/);
    expect(
      out.slice(1).map((line) =>
        line
          .trim()
          .split(/\s{2,}/)
          .filter((_, i) => i !== 1)
          .join('|'),
      ),
    ).toEqual([
      '7|anonymous|127.0.0.1|stopTransaction|not_found|gid=g3|broken',
      '5|anonymous|127.0.0.1|stopTransaction|not_found|gid=g2|broken',
      '3|anonymous|127.0.0.1|stopTransaction|not_found|gid=g1|broken',
    ]);
    expect((await run('audit list --operation settings')).out[1]).toMatch(
      /^ *1 .* node:\S+ .* settings +changed +\d+ settings/,
    );
    expect((await run('audit list --gid g2 -o ids')).out).toEqual(['5']);
    expect((await run('audit list --all --limit 1 -o ids')).out).toEqual(['7', '5', '3', '1']);
    expect((await run('audit list --principal eve')).err).toEqual(['no entries match']);
  });

  it('prints pages, and how to continue', async () => {
    const { err } = await run('audit list --limit 2');
    expect(err.join()).toMatch(/--cursor 6 prints the next page/);
    expect((await run('audit list --limit 2 --cursor 6 -o ids')).out).toEqual(['5']);
  });

  it('verifies the log of the coordinator and an exported file', async () => {
    const { file, lines, last } = await exported();
    expect(lines).toHaveLength(8);
    expect((await run('audit verify')).err).toEqual([`✓ 7 entries; the last point is ${last}`]);
    expect(await run(`audit verify ${file} --expect ${last}`)).toMatchObject({ exitCode: 0 });
    expect(await run(`audit verify --expect ${last}`)).toMatchObject({ exitCode: 0 });
  });

  it('exits with code 1 at the first broken entry of a file', async () => {
    const { file, last } = await exported();
    const text = await readFile(file, 'utf8');
    const verified = async (changed: string, options = '') => {
      await writeFile(file, changed);
      const { err, exitCode } = await run(`audit verify ${file}${options}`);
      return [exitCode, err.join('\n')];
    };
    const broken = (what: string) => [1, expect.stringContaining(`the audit log is not whole: ${what}`)];
    const lines = text.trimEnd().split('\n');
    expect(await verified(text.replace('"g2"', '"g9"'))).toEqual(broken('entry 4 was changed'));
    expect(await verified(lines.toSpliced(3, 1).join('\n'))).toEqual(broken('entry 3 is missing'));
    expect(await verified(lines.toSpliced(3, 0, lines[2]!).join('\n'))).toEqual(broken('entry 2 is out of order'));
    const cut = lines.slice(0, 6).join('\n');
    expect((await verified(cut))[0]).toBe(0);
    expect(await verified(cut, ` --expect ${last}`)).toEqual(broken('entry 7, which is expected, is missing'));
  });

  it('names what is wrong with its arguments', async () => {
    expect(await run('audit verify --expect 5')).toMatchObject({ exitCode: 2 });
    expect(await run(`audit verify ${join(folder, 'none')}`)).toMatchObject({ exitCode: 2 });
    const empty = join(folder, 'empty');
    await writeFile(empty, '');
    expect(await run(`audit verify ${empty}`)).toMatchObject({ exitCode: 2, err: [expect.stringContaining('empty')] });
    await writeFile(empty, '{"a":1}\n');
    expect(await run(`audit verify ${empty}`)).toMatchObject({ exitCode: 2 });
  });
});
