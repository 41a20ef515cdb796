import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filesOf, type Kind, OPTION_NAMES, OPTIONS, VERSION } from '@holdfast/server/config';
import { TestServer } from '@holdfast/testing/test-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Finding } from '../../src/doctor/finding.ts';
import { secretFiles } from '../../src/doctor/hardening/files.ts';
import { CHECKLIST } from '../../src/doctor/hardening/checklist.ts';
import { runCli } from '../support/run-cli.ts';
import { type Cases, hardeningCases, installationOf, type Setting } from './cases.ts';

let folder: string;
let cases: Readonly<Record<string, Cases>>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-hardening-'));
  cases = await hardeningCases(folder);
});
afterAll(() => rm(folder, { recursive: true }));

async function findingsOf(name: string, setting: Setting): Promise<readonly Finding[]> {
  const item = CHECKLIST.find((one) => one.name === name);
  return (await item?.check(await installationOf(setting))) ?? [];
}

describe('the hardening checklist', () => {
  it('is in docs/security.md, item by item', async () => {
    const page = await readFile(new URL('../../../../docs/security.md', import.meta.url), 'utf8');
    const section = page.split('## Hardening checklist')[1]?.split('\n## ')[0] ?? '';
    const names = [...section.matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name);
    expect(names).toEqual(CHECKLIST.map(({ name }) => name));
    expect(Object.keys(cases)).toEqual(names);
  });

  it.each(CHECKLIST.map(({ name }) => name))('%s: passes without the fault', async (name) => {
    for (const setting of cases[name]?.passes ?? [])
      expect(await findingsOf(name, setting), JSON.stringify(setting)).toMatchObject([
        { check: name, level: 'ok', fix: '' },
      ]);
  });

  it.each(CHECKLIST.map(({ name }) => name))('%s: reports each fault, with a fix and without secrets', async (name) => {
    expect(cases[name]?.fails).not.toHaveLength(0);
    for (const { level, found, ...setting } of cases[name]?.fails ?? []) {
      const findings = await findingsOf(name, setting);
      const text = expect.stringMatching(found) as string;
      expect(findings, JSON.stringify(setting)).toMatchObject([{ check: name, level, found: text }]);
      expect(findings[0]?.fix).not.toBe('');
      expect(JSON.stringify(findings)).not.toMatch(/s3cret|k3y/);
    }
  });

  it('examines the files of each option that names some, and knows which of them are secret', async () => {
    const readable = join(folder, 'of-an-option');
    await writeFile(readable, 'memory:', { mode: 0o644 });
    await mkdir(`${readable}s`);
    await writeFile(join(`${readable}s`, 'SHOP'), 'x', { mode: 0o644 });
    const installation = await installationOf({});
    const secret = [];
    for (const option of OPTION_NAMES) {
      const kind = OPTIONS[option].kind as Kind<unknown>;
      const { expects, names } = kind;
      expect(names !== undefined, option).toBe(/\b(?:file|folder)/.test(expects));
      if (names === undefined) continue;
      const given = names.isFolder ? `${readable}s` : /and the path/.test(expects) ? `file:${readable}` : readable;
      const files = filesOf({ ...installation.config, [option]: kind.read(given) });
      const [finding] = (await secretFiles.check({ ...installation, files })) as Finding[];
      if (finding?.level === 'fail') secret.push(option);
      else expect(finding).toMatchObject({ level: 'ok', found: '1 files, closed to others' });
    }
    expect(secret.toSorted()).toEqual([
      'alertWebhook',
      'bootstrapTokenFile',
      'branchTlsKeyFile',
      'secretsDir',
      'signingKeyFile',
      'store',
      'storeTlsKeyFile',
      'tlsKeyFile',
    ]);
  });

  it('states what it could not check', async () => {
    for (const name of ['anonymous access', 'token expiry', 'unused tokens', 'admin tokens']) {
      expect(await findingsOf(name, {})).toMatchObject([{ check: name, level: 'skip' }]);
      expect(await findingsOf(name, { coordinator: 'no response' })).toMatchObject([{ level: 'skip' }]);
    }
    expect(await findingsOf('token expiry', { coordinator: { tokens: undefined } })).toMatchObject([{ level: 'skip' }]);
  });
});

it('SECURITY.md names the version of these packages as the one that receives fixes', async () => {
  const page = await readFile(new URL('../../../../SECURITY.md', import.meta.url), 'utf8');
  const line = VERSION.split('.').slice(0, 2).join('.');
  expect(page).toMatch(new RegExp(`^\\| ${line.replace('.', String.raw`\.`)}\\.x, the latest +\\| yes +\\|$`, 'm'));
});

/** Runs the command. This process may have faults that a coordinator would have, such as root. */
async function doctor(...args: string[]) {
  const { out, exitCode } = await runCli(['doctor', '--http-port', '0', '--store', 'memory:', '-o', 'json', ...args]);
  const findings = JSON.parse(out.join('\n')) as Finding[];
  return { exitCode, out: out.join('\n'), find: (name: string) => findings.filter(({ check }) => check === name) };
}

describe('holdfast doctor on the hardening checklist', () => {
  it('reads every option of serve, and exits with code 1 for warnings only with --strict', async () => {
    const args = ['--host', '0.0.0.0', '--auth', '--branch-targets', 'https://shop.example'];
    const { exitCode, find } = await doctor(...args);
    expect(exitCode).toBe(0);
    for (const { name } of CHECKLIST) expect(find(name), name).not.toHaveLength(0);
    expect(find('authentication')).toMatchObject([{ level: 'ok' }]);
    expect(find('encryption of ports')).toMatchObject([{ level: 'warn' }]);
    expect(find('branch targets')).toMatchObject([{ level: 'ok', found: '1 rules' }]);
    expect((await doctor(...args, '--strict')).exitCode).toBe(1);
  });

  it('examines the files that the command itself reads', async () => {
    const tokenFile = join(folder, 'open-token');
    await writeFile(tokenFile, 'hf_x', { mode: 0o644 });
    expect((await doctor('--token-file', tokenFile)).find('secret files')).toMatchObject([
      { level: 'fail', found: `every user may read --token-file ${tokenFile}` },
    ]);
  });

  it('examines the tokens of a running coordinator, if its own token may list them', async () => {
    await using server = await TestServer.start({ auth: true });
    const { bootstrapToken = '' } = server.running;
    const tokenFile = join(folder, 'token');
    await writeFile(tokenFile, bootstrapToken, { mode: 0o600 });
    const bearer = { authorization: `Bearer ${bootstrapToken}` };
    for (let n = 0; n < 5; n++)
      await server.request(
        'POST',
        '/api/v1/tokens',
        { name: `admin-${n}`, role: 'admin', expiresInMs: 60_000 },
        bearer,
      );
    const { find, out } = await doctor('--auth', '--server', server.url, '--token-file', tokenFile);
    expect(find('anonymous access')).toMatchObject([{ level: 'ok' }]);
    expect(find('bootstrap token')).toMatchObject([{ level: 'warn' }]);
    expect(find('token expiry')).toMatchObject([{ level: 'warn', found: 'without expiry: bootstrap (bootstrap)' }]);
    expect(find('admin tokens')).toMatchObject([{ level: 'warn' }]);
    expect(find('unused tokens')).toMatchObject([{ level: 'ok' }]);
    expect(out).not.toContain(bootstrapToken);
    // Nothing is known about the configuration, so that it is not judged.
    const { out: remote } = await runCli(['doctor', '-o', 'json', '--server', server.url, '--token-file', tokenFile]);
    const found = JSON.parse(remote.join('\n')) as Finding[];
    expect(found.map(({ check, level }) => `${check}: ${level}`)).toEqual([
      'server: ok',
      'bootstrap token: warn',
      'anonymous access: ok',
      'server connection: ok',
      'token expiry: warn',
      'unused tokens: ok',
      'admin tokens: warn',
      'configuration: skip',
    ]);
    for (const { name, isVisible } of CHECKLIST)
      if (isVisible !== true) expect(found.at(-1)?.found).toMatch(new RegExp(`[:,] ${name}(?:,|$)`));
    const without = await doctor('--auth', '--server', server.url);
    expect(without.find('token expiry')).toMatchObject([{ level: 'skip' }]);
    expect(without.find('bootstrap token')).toMatchObject([{ level: 'skip' }]);
    await using open = await TestServer.start();
    const exposed = await doctor('--auth', '--server', open.url);
    expect([exposed.exitCode, exposed.find('anonymous access')[0]?.level]).toEqual([1, 'fail']);
  });
});
