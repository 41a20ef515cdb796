import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConfigError, loadConfig, startServer } from '@holdfast/server';
import { OPTION_NAMES, OPTIONS, reloadedFilesOf } from '../../src/config/options.ts';
import { secret } from '../../src/config/kinds.ts';
import { always, Participants } from '@holdfast/testing/participants';
import { TestServer } from '../support/running-server.ts';

let folder: string;
let shop: Participants;
let server: TestServer | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-file-values-'));
  shop = await Participants.start();
  server = undefined;
});
afterEach(async () => {
  await Promise.all([server?.[Symbol.asyncDispose](), shop[Symbol.asyncDispose]()]);
  await rm(folder, { recursive: true });
});

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
  return path;
}

const faultOf = (starting: Promise<unknown>): Promise<string> =>
  starting.then(
    () => 'it started',
    (error: unknown) => (error instanceof ConfigError ? error.message : String(error)),
  );

describe('an option whose value may be a secret', () => {
  it('is one of these, and each accepts file:PATH', () => {
    expect(OPTION_NAMES.filter((name) => (OPTIONS[name].kind as unknown) === secret)).toEqual([
      'store',
      'alertWebhook',
    ]);
  });

  it('reads the file that it names: from the command line, the environment and the config file', async () => {
    const path = await file('store', `lmdb:${folder}/data\n`);
    const config = await file('config.yaml', `store: file:${path}\n`);
    for (const sources of [
      { flags: { store: `file:${path}` } },
      { env: { HOLDFAST_STORE: `file:${path}` } },
      { file: config },
    ])
      expect((await loadConfig(sources)).store).toBe(`lmdb:${folder}/data`);
    server = await TestServer.start({ store: `file:${path}` });
    expect((await server.dtm('submit', { gid: 'g', trans_type: 'saga', steps: [], payloads: [] })).status).toBe(200);
  });

  it('is checked as if the text of the file had been given', async () => {
    const path = await file('store', 'memory:');
    expect(await faultOf(loadConfig({ flags: { store: `file:${path}`, workers: '2' } }))).toContain(
      'a memory: store cannot be shared by several processes',
    );
  });

  it.each([
    ['', 'it is empty'],
    ['\n', 'it contains no secret'],
    ['postgres://u:hunter2@db\nmore', 'it must contain one line'],
    ['file:/etc/hunter2', 'it names another file, instead of containing the value'],
  ])('stops the start with one line if its file is %j', async (text, reason) => {
    const path = await file('store', text);
    for (const start of [
      () => loadConfig({ flags: { store: `file:${path}` } }),
      () => startServer({ store: `file:${path}`, httpPort: 0 }),
    ])
      expect(await faultOf(start())).toBe(`--store file:${path}: ${reason}`);
  });

  it('stops the start if its file cannot be read', async () => {
    await mkdir(join(folder, 'inner'));
    for (const [path, reason] of [
      [join(folder, 'none'), 'there is no such file'],
      [join(folder, 'inner'), 'it is a folder, not a file'],
      ['', 'there is no such file'],
    ] as const) {
      expect(await faultOf(loadConfig({ flags: { store: `file:${path}` } }))).toBe(`--store file:${path}: ${reason}`);
      const alertWebhook = `file:${path}`;
      expect(await faultOf(startServer({ store: 'memory:', httpPort: 0, alertWebhook }))).toContain(reason);
    }
  });
});

describe('the URL of the alert webhook in a file', () => {
  it('follows the file, and a bad content keeps the previous URL', async () => {
    const lines: string[] = [];
    const note = (fields: unknown, text: string): void => void lines.push(`${text} ${JSON.stringify(fields)}`);
    const path = await file('webhook', `${shop.url('/hook-one/k3y-of-hook')}\n`);
    const values = { alertWebhook: `file:${path}`, alertAfterRetries: 1, retryInterval: 10, maxRetryInterval: 10 };
    server = await TestServer.start(values, { log: { debug: note, info: note, warn: note, error: note } as never });
    expect(reloadedFilesOf(server.running.config)).toEqual(['alertWebhook']);
    shop.respond('/bad', always(500));
    const alerted = async (gid: string, at: string): Promise<void> => {
      await server?.dtm('submit', { gid, trans_type: 'saga', steps: [{ action: shop.url('/bad') }], payloads: ['{}'] });
      await vi.waitUntil(() => shop.seen.some(({ url, body }) => url.pathname === at && body.includes(`"${gid}"`)), {
        timeout: 10_000,
        interval: 5,
      });
    };
    await alerted('g1', '/hook-one/k3y-of-hook');
    await file('webhook', shop.url('/hook-two/k3y-of-hook'));
    await server.running.reload();
    await alerted('g2', '/hook-two/k3y-of-hook');
    await file('webhook', 'ftp://k3y-of-hook');
    await server.running.reload();
    await alerted('g3', '/hook-two/k3y-of-hook');
    expect(lines.filter((line) => line.includes('the previous content stays in use'))).toEqual([
      expect.stringContaining(`--alert-webhook ${path}: it does not contain an http:// or https:// URL`),
    ]);
    expect(lines.join('\n')).not.toContain('k3y-of-hook');
  });

  it('stops the start if it is not a URL, without the content', async () => {
    const path = await file('webhook', 'k3y-of-hook');
    expect(await faultOf(startServer({ store: 'memory:', httpPort: 0, alertWebhook: `file:${path}` }))).toBe(
      `--alert-webhook ${path}: it does not contain an http:// or https:// URL`,
    );
  });
});
