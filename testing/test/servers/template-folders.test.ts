import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { keepTemplates, newDataFolder } from '../../src/servers/template-folders.ts';

const VARIABLE = 'HOLDFAST_TEST_TEMPLATES';

let parent: string;
let removeTemplates: () => void;
let created: number;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'holdfast-template-test-'));
  vi.stubEnv(VARIABLE, undefined);
  removeTemplates = keepTemplates();
  created = 0;
});
afterEach(() => {
  removeTemplates();
  vi.unstubAllEnvs();
  rmSync(parent, { recursive: true });
});

/** A data folder as a database would create it. */
const newFolder = async (name: string): Promise<string> => {
  const data = join(parent, name);
  await newDataFolder('database', data, async () => {
    created++;
    await mkdir(data);
    await chmod(data, 0o700);
    writeFileSync(join(data, 'file'), 'new');
  });
  return data;
};

it('is created once per run, and copied with its permissions for the servers after the first', async () => {
  const [first, second] = [await newFolder('first'), await newFolder('second')];
  expect(created).toBe(1);
  for (const folder of [first, second]) {
    expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('new');
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  }
});

it('is a copy of what was created, not of what the first server has written since', async () => {
  writeFileSync(join(await newFolder('first'), 'file'), 'written');
  writeFileSync(join(await newFolder('second'), 'file'), 'written');
  expect(readFileSync(join(await newFolder('third'), 'file'), 'utf8')).toBe('new');
});

it('is complete for each of several servers that start at the same time', async () => {
  const folders = await Promise.all(['a', 'b', 'c'].map(newFolder));
  for (const folder of folders) expect(readdirSync(folder)).toEqual(['file']);
  expect(readdirSync(process.env[VARIABLE] ?? '')).toEqual(['database']);
});

it('is created for each server where no run keeps templates', async () => {
  removeTemplates();
  await newFolder('first');
  await newFolder('second');
  expect(created).toBe(2);
});

it('leaves nothing when the run has ended', async () => {
  await newFolder('first');
  const templates = process.env[VARIABLE] ?? '';
  expect(existsSync(templates)).toBe(true);
  removeTemplates();
  expect(existsSync(templates)).toBe(false);
});
