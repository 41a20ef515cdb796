import { chmod, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConfigError } from '@holdfast/server';
import { FileFault, secretText, WatchedFiles } from '../../src/secrets/index.ts';

const CHECK_MS = 5;

let folder: string;
let lines: string[];
let files: WatchedFiles;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-watched-'));
  lines = [];
  files = new WatchedFiles({ log: recorder(), checkMs: CHECK_MS });
});
afterEach(async () => {
  files.close();
  await rm(folder, { recursive: true });
});

const recorder = () => ({
  info: (_fields: unknown, text: string) => void lines.push(`info ${text}`),
  warn: (_fields: unknown, text: string) => void lines.push(`warn ${text}`),
});
const warnings = () => lines.filter((line) => line.startsWith('warn'));

async function fileWith(text: string, name = 'token'): Promise<string> {
  const path = join(folder, name);
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  // A check never sees half of it.
  await rename(`${path}.new`, path);
  return path;
}

const token = (path: string) => ({ option: 'alertWebhook', path, isSecret: true }) as const;
/** Accepts `good…` only. */
const good = (bytes: Buffer): string => {
  const text = secretText(bytes);
  if (!text.startsWith('good')) throw new FileFault('its content is not good');
  return text;
};

describe('a watched file', () => {
  it('is read at the start, without the line break at its end', async () => {
    const path = await fileWith('good 1\n');
    await expect(files.watch(token(path), good)).resolves.toHaveProperty('value', 'good 1');
    expect(lines).toEqual([]);
  });

  it('stops the start with one line that names option, path and fault', async () => {
    await mkdir(join(folder, 'folder'));
    const long = await fileWith('x'.repeat(4 * 1024 * 1024 + 1), 'long');
    for (const [path, fault] of [
      [join(folder, 'none'), 'there is no such file'],
      [join(folder, 'folder'), 'it is a folder, not a file'],
      [await fileWith('', 'empty'), 'it is empty'],
      [await fileWith('s3cret', 'bad'), 'its content is not good'],
      [await fileWith('\n', 'blank'), 'it contains no secret'],
      [await fileWith('good\ngood\n', 'lines'), 'it must contain one line'],
      [long, 'it is longer than 4194304 bytes'],
      ['/dev/null', 'it is not a regular file'],
    ] as const) {
      const failed = files.watch(token(path), good);
      await expect(failed).rejects.toThrow(ConfigError);
      await expect(failed).rejects.toThrow(`--alert-webhook ${path}: ${fault}`);
    }
  });

  it('is a warning at the start if other accounts may access the secret, and not if its group may read', async () => {
    const path = await fileWith('good');
    await chmod(path, 0o644);
    await files.watch({ ...token(path), isSecret: false }, good);
    const grouped = await fileWith('good', 'grouped');
    await chmod(grouped, 0o640);
    await files.watch(token(grouped), good);
    expect(lines).toEqual([]);
    await files.watch(token(path), good);
    expect(lines).toEqual([
      `warn --alert-webhook ${path}: other accounts may access this secret; chmod 600 (or 640) it`,
    ]);
  });

  it('has the new value after its content was replaced: in place, by a rename, and by links as in Kubernetes', async () => {
    await mkdir(join(folder, '..1'));
    await mkdir(join(folder, '..2'));
    await fileWith('good 1', '..1/token');
    await symlink('..1', join(folder, '..data'));
    await symlink('..data/token', join(folder, 'token'));
    const changes: string[] = [];
    const file = await files.watch(token(join(folder, 'token')), good);
    file.onChange((value) => changes.push(value));

    await writeFile(join(folder, '..1/token'), 'good 2 is written over the first');
    await vi.waitUntil(() => file.value.startsWith('good 2'), { timeout: 10_000 });

    await fileWith('good 3', 'new');
    await rename(join(folder, 'new'), join(folder, '..1/token'));
    await vi.waitUntil(() => file.value === 'good 3', { timeout: 10_000 });

    await fileWith('good 4', '..2/token');
    await symlink('..2', join(folder, '..data_tmp'));
    await rename(join(folder, '..data_tmp'), join(folder, '..data'));
    await vi.waitUntil(() => file.value === 'good 4', { timeout: 10_000 });
    expect(changes).toEqual(['good 2 is written over the first', 'good 3', 'good 4']);
    expect(warnings()).toEqual([]);
  });

  it('keeps its value with one warning while its content has a fault, and takes the next good one', async () => {
    const path = await fileWith('good 1');
    const file = await files.watch(token(path), good);
    await fileWith('s3cret that is wrong');
    await vi.waitUntil(() => warnings().length > 0, { timeout: 10_000 });
    expect(warnings()).toEqual([
      `warn --alert-webhook ${path}: its content is not good; the previous content stays in use`,
    ]);
    await fileWith('s3cret that is wrong again');
    await files.reload();
    await files.reload();
    expect(warnings()).toHaveLength(1);
    expect(file.value).toBe('good 1');
    await rm(path);
    await vi.waitUntil(() => warnings().length > 1, { timeout: 10_000 });
    expect(warnings()[1]).toBe(
      `warn --alert-webhook ${path}: there is no such file; the previous content stays in use`,
    );
    await fileWith('good 2');
    await vi.waitUntil(() => file.value === 'good 2', { timeout: 10_000 });
    expect(warnings()).toHaveLength(2);
    expect(lines.join('\n')).not.toContain('s3cret');
  });

  it('is read again at once by a reload', async () => {
    const slow = new WatchedFiles({ log: recorder(), checkMs: 3_600_000 });
    expect(slow.isEmpty).toBe(true);
    const path = await fileWith('good 1');
    const file = await slow.watch(token(path), good);
    expect(slow.isEmpty).toBe(false);
    await fileWith('good 2');
    await slow.reload();
    expect(file.value).toBe('good 2');
    slow.close();
  });
});

describe('files that belong together', () => {
  const pair = ([left, right]: readonly Buffer[]): string => {
    if (String(left) !== String(right)) throw new FileFault('it does not belong to the other', 1);
    return String(left);
  };

  it('change together: half of a new pair leaves the old one in use, without a warning if the rest follows', async () => {
    const slow = new WatchedFiles({ log: recorder(), checkMs: 3_600_000 });
    const [left, right] = [await fileWith('one', 'left'), await fileWith('one', 'right')];
    const options = [token(left), { option: 'node', path: right }] as const;
    const both = await slow.watchAll(options, pair);
    await fileWith('two', 'left');
    await slow.reload();
    expect(both.value).toBe('one');
    expect(warnings()).toEqual([
      `warn --node ${right}: it does not belong to the other; the previous content stays in use`,
    ]);
    await fileWith('two', 'right');
    await slow.reload();
    expect(both.value).toBe('two');
    slow.close();
  });
});
