import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeWith } from '@holdfast/testing/describe-with';
import { HoldfastProcess } from '@holdfast/testing/holdfast-process';
import { type Issued, TestAuthority } from '@holdfast/testing/servers';
import { afterAll, afterEach, beforeAll, expect, it, onTestFinished } from 'vitest';
import { runProcess } from '../support/run-process.ts';

let authority: TestAuthority;
let server: Issued;
let folder: string;
const started: HoldfastProcess[] = [];

/** Starts a coordinator; returns its URL on loopback and the warnings of its start. */
async function serve(...args: string[]): Promise<{ readonly url: string; readonly warnings: readonly string[] }> {
  const run = new HoldfastProcess(['serve', '--store', 'memory:', '--http-port', '0', ...args]);
  started.push(run);
  const url = await run.ready();
  const warnings = run.log.filter(({ level }) => Number(level) >= 40).map(({ msg }) => msg);
  return { url: url.replace(/\/\/[^/]*:/, '//127.0.0.1:'), warnings };
}

describeWith(['openssl'], 'a coordinator beyond loopback', () => {
  beforeAll(async () => {
    authority = await TestAuthority.create();
    server = await authority.issue();
    folder = await mkdtemp(join(tmpdir(), 'holdfast-exposure-'));
  });
  afterEach(async () => {
    await Promise.all(started.splice(0).map((run) => run.kill()));
  });
  afterAll(() => Promise.all([authority.remove(), rm(folder, { recursive: true })]));

  it('warns in one line that tokens can be read on the network, unless it has TLS', async () => {
    const beyond = ['--auth', '--host', '0.0.0.0'];
    const about = ({ warnings }: { readonly warnings: readonly string[] }): readonly string[] =>
      warnings.filter((text) => text.includes('TLS'));
    expect(about(await serve(...beyond))).toEqual([
      expect.stringMatching(/^--host 0\.0\.0\.0 without TLS: .*specify --tls-cert-file/),
    ]);
    expect(about(await serve('--auth'))).toEqual([]);
    const files = ['--tls-cert-file', server.certificate, '--tls-key-file', server.key];
    expect(about(await serve(...beyond, ...files))).toEqual([]);
  });

  it('needs neither --auth nor --insecure if certificates determine its callers', async () => {
    const principals = join(folder, 'principals.yaml');
    await writeFile(principals, '- { certificate: "CN:ann", principal: ann, roles: [admin] }\n');
    const { url } = await serve(
      ...['--host', '0.0.0.0', '--tls-principals', principals, '--tls-client-auth', 'optional'],
      ...['--tls-cert-file', server.certificate, '--tls-key-file', server.key],
      ...['--tls-client-ca-file', authority.certificate],
    );
    const trusting = ['--server', url, '--ca-file', authority.certificate];
    const refused = await runProcess({}, 'list', ...trusting);
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('client certificate')]);
    const ann = await authority.issue({ subject: 'ann' });
    const served = await runProcess({}, 'list', ...trusting, '--cert-file', ann.certificate, '--key-file', ann.key);
    expect(served.code).toBe(0);
  });

  it('is not started, nor sent a token without verification, with NODE_TLS_REJECT_UNAUTHORIZED=0', async () => {
    const env = { NODE_TLS_REJECT_UNAUTHORIZED: '0' };
    const start = await runProcess(env, 'serve', '--store', 'memory:', '--http-port', '0');
    expect([start.code, start.err]).toEqual([
      1,
      expect.stringContaining('holdfast: NODE_TLS_REJECT_UNAUTHORIZED=0 disables the verification'),
    ]);
    let requests = 0;
    const impostor = createServer({ cert: server.certificateText, key: server.keyText }, (_request, response) => {
      requests++;
      response.end('{"items":[],"next":null}');
    }).listen(0, '127.0.0.1');
    await once(impostor, 'listening');
    onTestFinished(() => void impostor.close());
    const url = `https://127.0.0.1:${(impostor.address() as AddressInfo).port}`;
    const token = { ...env, HOLDFAST_TOKEN: 'hf_x' };
    expect(await runProcess(token, 'list', '--server', url)).toMatchObject({ code: 3 });
    const doctor = await runProcess(token, 'doctor', '--store', 'memory:', '--server', url);
    expect([doctor.code, doctor.out]).toEqual([1, expect.stringMatching(/no TLS connection to/)]);
    expect(requests).toBe(0);
  });
});
