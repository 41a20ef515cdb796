import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@holdfast/client';
import { describeWith } from '@holdfast/testing/describe-with';
import { CLI, HoldfastProcess } from '@holdfast/testing/holdfast-process';
import { freePort } from '@holdfast/testing/servers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Nginx, plainConf, withoutTls } from './support/nginx.ts';

/** The code of the page, block by block. */
async function shellBlocks(): Promise<readonly string[]> {
  const page = await readFile(new URL('../../docs/deployment.md', import.meta.url), 'utf8');
  const section = page.split('\n## TLS and tokens\n')[1]?.split('\n## ')[0] ?? '';
  return [...section.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, code = '']) => code);
}

interface Ended {
  readonly code: number;
  readonly output: string;
}

let folder: string;

/** Runs a block of the page in a folder in which the command `holdfast` is this build. */
function shell(script: string): Promise<Ended> {
  const path = `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`;
  return new Promise((resolve) =>
    execFile('bash', ['-euc', script], { cwd: folder, env: { PATH: path, HOME: folder } }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), output: out + err }),
    ),
  );
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-deployment-'));
  await mkdir(join(folder, 'bin'));
  await writeFile(join(folder, 'bin/holdfast'), `#!/bin/sh\nexec '${process.execPath}' '${CLI}' "$@"\n`, {
    mode: 0o755,
  });
});
afterAll(() => rm(folder, { recursive: true }));

it('deploy/nginx/holdfast-tls.conf is holdfast.conf, except for TLS', async () => {
  expect(await withoutTls()).toEqual(await plainConf());
});

describeWith(['nginx', 'openssl'], 'docs/deployment.md, TLS and tokens', () => {
  it('protects a coordinator behind nginx, with the commands of the page', async () => {
    const [files = '', tokens = ''] = await shellBlocks();
    const made = await shell(files);
    expect(made.code, made.output).toBe(0);
    const tls = join(folder, 'tls');
    const options = ['--tls-cert-file', join(tls, 'tls.crt'), '--tls-key-file', join(tls, 'tls.key')];
    const bootstrap = ['--bootstrap-token-file', join(tls, 'bootstrap.token')];
    await using coordinator = new HoldfastProcess([
      'serve',
      '--store',
      'memory:',
      '--http-port',
      '0',
      '--auth',
      ...bootstrap,
      ...options,
    ]);
    const node = Number(new URL(await coordinator.ready()).port);
    const port = await freePort();
    const nginx = await Nginx.startTls(port, [node, node], tls);
    try {
      const done = await shell(tokens.replaceAll('36789', String(port)));
      expect(done.code, done.output).toBe(0);
      expect(done.output).toMatch(/^ok +server +https:\/\/localhost:\d+, version [\d.]+: ready$/m);
      expect(done.output).toMatch(/^ok +anonymous access /m);
      expect(done.output).toMatch(/^ok +bootstrap token +revoked/m);
      expect(done.output).toMatch(/^ok +token expiry +2 valid tokens/m);
      expect(done.output).toContain('token bootstrap revoked');
      const ca = await readFile(join(tls, 'ca.crt'), 'utf8');
      const token = (await readFile(join(folder, 'checkout.token'), 'utf8')).trim();
      await using checkout = connect(`https://localhost:${port}`, { token, tls: { ca } });
      await expect(checkout.list()).resolves.toMatchObject({ items: [] });
      await using stranger = connect(`https://localhost:${port}`, { tls: { ca }, retryForMs: 0 });
      await expect(stranger.list()).rejects.toThrow(/no credentials/);
      expect(nginx.log).toBe('');
    } finally {
      await nginx.stop();
    }
  });
});
