import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newBootstrapText } from '@holdfast/api';
import { MemoryStore } from '@holdfast/core/memory-store';
import { type Store, StoreError } from '@holdfast/core/store';
import type { ServerConfig } from '@holdfast/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bearer, GuardedServer } from './support.ts';

type Entry = Readonly<Record<string, unknown>>;

let folder: string;
let store: MemoryStore;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-audited-'));
  store = new MemoryStore(Date.now, () => performance.now());
});
afterEach(() => rm(folder, { recursive: true }));

const linesOf = ({ items }: { readonly items: readonly unknown[] }): Entry[] =>
  (items as readonly { readonly line: string }[]).map(({ line }) => JSON.parse(line) as Entry);

async function entriesOf(server: GuardedServer, filter = ''): Promise<Entry[]> {
  const { json } = await server.request('GET', `/api/v1/audit?order=oldest${filter}`, undefined, bearer(server.admin));
  return linesOf(json);
}

async function fileOf(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content, { mode: 0o600 });
  return path;
}

/** A store that stays when a server closes it, so that the next one finds its content. */
function lasting(kept: MemoryStore): Store {
  return Object.assign(kept, { close: async () => undefined });
}

const startOn = (values: Partial<ServerConfig> = {}, admin?: string) =>
  GuardedServer.start(values, { store: lasting(store) }, admin);

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('the audit log has changes of tokens', () => {
  it('with the state before and after, and the reason', async () => {
    await using server = await startOn();
    const admin = bearer(server.admin);
    const { id } = await server.token('viewer', { name: 'ann', namespaces: ['shop'], reason: 'for the dashboard' });
    await server.request('POST', `/api/v1/tokens/${id}/rotate`, { overlapMs: 60_000, reason: 'yearly' }, admin);
    await server.request('DELETE', `/api/v1/tokens/${id}?reason=left%20the%20company`, undefined, admin);
    const before = { name: 'ann', role: 'viewer', namespaces: ['shop'], allNamespaces: false };
    const time = expect.any(Number) as number;
    expect(await entriesOf(server, '&principal=token:bootstrap/bootstrap')).toMatchObject([
      { kind: 'begun', operation: 'createToken', reason: 'for the dashboard', on: { name: 'ann', role: 'viewer' } },
      { kind: 'result', operation: 'createToken', result: 'ok', after: { id, ...before } },
      { kind: 'begun', operation: 'rotateToken', reason: 'yearly', on: { id, overlapMs: 60_000 }, before },
      { kind: 'result', operation: 'rotateToken', after: { rotatedAtMs: time, previousValidUntilMs: time } },
      { kind: 'begun', operation: 'revokeToken', reason: 'left the company', on: { id }, before },
      { kind: 'result', operation: 'revokeToken', after: { ...before, revokedAtMs: time } },
    ]);
    const text = JSON.stringify(await entriesOf(server));
    expect(text).not.toMatch(/"hash":"[^"]*","[^"]|hf_/);
  });

  it('of tokens that do not exist, and no entry for a listing', async () => {
    await using server = await startOn();
    const admin = bearer(server.admin);
    expect((await server.request('DELETE', '/api/v1/tokens/none', undefined, admin)).status).toBe(404);
    expect((await server.request('DELETE', '/api/v1/tokens/..%2Fx', undefined, admin)).status).toBe(404);
    expect((await server.request('GET', '/api/v1/tokens', undefined, admin)).status).toBe(200);
    const found = await entriesOf(server, '&principal=token:bootstrap/bootstrap');
    expect(found).toMatchObject([
      { operation: 'revokeToken', before: { exists: false } },
      { operation: 'revokeToken', result: 'not_found' },
      { operation: 'revokeToken', before: { exists: false } },
      { operation: 'revokeToken', result: 'not_found' },
    ]);
  });

  it('with the reason of a retry', async () => {
    await using server = await startOn();
    const body = { reason: 'the shop is back' };
    await server.request('POST', '/api/v1/transactions/none/retry', body, bearer(server.admin));
    expect(await entriesOf(server, '&gid=none')).toMatchObject([body, { ...body, result: 'not_found' }]);
  });

  it('that the first start makes, before the token exists', async () => {
    const path = await fileOf('bootstrap.token', newBootstrapText());
    await using server = await startOn({ bootstrapTokenFile: path }, '');
    const token = await readFile(path, 'utf8');
    const { json } = await server.request('GET', '/api/v1/audit?order=oldest', undefined, bearer(token.trim()));
    const found = linesOf(json);
    const on = { id: 'bootstrap', role: 'admin', file: path };
    const principal = expect.stringMatching(/^node:/) as string;
    expect(found.slice(0, 2)).toMatchObject([
      { sequence: 1, kind: 'begun', operation: 'createBootstrapToken', principal, on },
      { sequence: 2, kind: 'result', begun: 1, result: 'ok', on, after: { id: 'bootstrap', role: 'admin' } },
    ]);
    expect(JSON.stringify(found)).not.toContain(token.trim());
  });
});

describe('a first start whose store takes no writes of tokens', () => {
  it.each(['token', 'audit'])('fails with one line that states why (%s)', async (category) => {
    const { kvPut } = store;
    Object.assign(store, {
      kvPut: (...args: Parameters<typeof kvPut>) =>
        args[0].category === category
          ? Promise.reject(new StoreError('unavailable', 'the disk is full'))
          : kvPut(...args),
    });
    const failed = await startOn().catch((error: unknown) => error);
    expect(failed).toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/^[^\n]*the disk is full[^\n]*$/),
    });
    Object.assign(store, { kvPut });
    // The next start creates the token, and shows it.
    await using server = await startOn();
    expect(server.admin).toMatch(/^hf_bootstrap_/);
    expect((await server.request('GET', '/api/v1/tokens', undefined, bearer(server.admin))).status).toBe(200);
  });
});

describe('the audit log has changes of settings', () => {
  it('of a start, with what they were before; an equal start adds nothing', async () => {
    let admin: string;
    {
      await using server = await startOn();
      ({ admin } = server);
      expect(await entriesOf(server, '&operation=settings')).toMatchObject([
        { kind: 'changed', on: {}, after: { auth: true, insecure: false, branchTargets: [], audit: 'auto' } },
      ]);
    }
    {
      await using server = await startOn({}, admin);
      expect(await entriesOf(server, '&operation=settings')).toHaveLength(1);
    }
    const url = 'http://user:hush@10.0.0.1:80';
    await using server = await startOn(
      { branchTargets: ['10.0.0.0/8'], auditMaxEntries: 5_000, alertWebhook: url },
      admin,
    );
    const [, second] = await entriesOf(server, '&operation=settings');
    expect(second).toMatchObject({
      before: { branchTargets: [], auditMaxEntries: 1_000_000 },
      after: { branchTargets: ['10.0.0.0/8'], auditMaxEntries: 5_000 },
    });
    expect(Object.keys(second?.['after'] ?? {})).toHaveLength(2);
    expect(JSON.stringify(second)).not.toContain('hush');
  });

  it('of files that are reloaded, with their digests; an unchanged or faulty file adds nothing', async () => {
    const [old, next] = ['rules: ["10.0.0.0/8"]\n', 'rules: ["10.0.0.0/8", "127.0.0.1"]\n'];
    const path = await fileOf('targets.yaml', old);
    await using server = await startOn({ branchTargetsFile: path });
    await server.running.reload();
    await writeFile(path, 'rules: [');
    await server.running.reload();
    expect(await entriesOf(server, '&operation=reloadFiles')).toEqual([]);
    await writeFile(path, next);
    await server.running.reload();
    await expect
      .poll(() => entriesOf(server, '&operation=reloadFiles'))
      .toMatchObject([
        {
          kind: 'changed',
          on: { option: 'branchTargetsFile', files: [path] },
          before: { sha256: [sha256(old)] },
          after: { sha256: [sha256(next)] },
        },
      ]);
  });

  it('of secret files, without a digest from which a short secret could be guessed', async () => {
    const key = () => `whsec_${Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64')}\n`;
    const path = await fileOf('signing.key', key());
    await using server = await startOn({ signingKeyFile: [path] });
    await writeFile(path, key());
    await server.running.reload();
    await expect
      .poll(() => entriesOf(server, '&operation=reloadFiles'))
      .toMatchObject([
        { on: { option: 'signingKeyFile' }, before: { sha256: ['secret'] }, after: { sha256: ['secret'] } },
      ]);
  });
});
