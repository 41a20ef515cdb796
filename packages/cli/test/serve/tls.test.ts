import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { connect } from '@holdfast/client';
import { describeWith } from '@holdfast/testing/describe-with';
import { HoldfastProcess } from '@holdfast/testing/holdfast-process';
import { type Issued, TestAuthority } from '@holdfast/testing/servers';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { runProcess } from '../support/run-process.ts';

let authority: TestAuthority;
let other: TestAuthority;
let server: Issued;
let client: Issued;
let folder: string;
const started: HoldfastProcess[] = [];

beforeAll(async () => {
  [authority, other] = await Promise.all([TestAuthority.create(), TestAuthority.create()]);
  [server, client] = [await authority.issue(), await authority.issue({ subject: 'orders' })];
  folder = await mkdtemp(join(tmpdir(), 'holdfast-serve-tls-'));
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((run) => run.kill()));
});
afterAll(() => Promise.all([authority.remove(), other.remove(), rm(folder, { recursive: true })]));

interface Started {
  readonly run: HoldfastProcess;
  readonly url: string;
  readonly grpc: string;
}

async function serve(...more: string[]): Promise<Started> {
  const files = ['--tls-cert-file', server.certificate, '--tls-key-file', server.key];
  const run = new HoldfastProcess(['serve', '--store', 'memory:', '--http-port', '0', ...files, ...more]);
  started.push(run);
  const url = (await run.ready()).replace('127.0.0.1', 'localhost');
  const grpc = String(run.log.find(({ msg }) => msg.startsWith('ready:'))?.['grpc']);
  return { run, url, grpc: `grpcs://${grpc.replace('127.0.0.1', 'localhost')}` };
}

const requiring = () => ['--tls-client-ca-file', authority.certificate];
const TRUSTING = () => ['--ca-file', authority.certificate];
const PRESENTING = () => [...TRUSTING(), '--cert-file', client.certificate, '--key-file', client.key];

const serialOf = (url: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = tls.connect({ port: Number(new URL(url).port), ca: authority.certificateText }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.on('error', reject);
  });

describeWith(['openssl'], 'a coordinator behind TLS', () => {
  it('is reached by the commands and by doctor with --ca-file, or its variable', async () => {
    const { url } = await serve();
    const known = await runProcess({}, 'list', '--server', url, ...TRUSTING());
    expect([known.code, known.err]).toEqual([0, 'no transaction matches\n']);
    const byVariable = await runProcess({ HOLDFAST_CA_FILE: authority.certificate, HOLDFAST_SERVER: url }, 'list');
    expect([byVariable.code, byVariable.err]).toEqual([0, 'no transaction matches\n']);
    const unknown = await runProcess({}, 'list', '--server', url);
    expect(unknown.code).toBe(3);
    expect(unknown.err).toMatch(/^holdfast: no TLS connection to .*(UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT)/);
    expect(unknown.err).toContain('--ca-file');
    const doctor = await runProcess({}, 'doctor', '--store', 'memory:', '--server', url, ...TRUSTING());
    expect(doctor.out).toMatch(/server .*: ready/);
    const wary = await runProcess({}, 'doctor', '--store', 'memory:', '--server', url);
    expect(wary.out).toContain('no TLS connection to');
    expect(wary.out).toContain('--ca-file');
  });

  it('that requires client certificates is reached with --cert-file and --key-file', async () => {
    const { url } = await serve(...requiring());
    const known = await runProcess({}, 'list', '--server', url, ...PRESENTING());
    expect([known.code, known.err]).toEqual([0, 'no transaction matches\n']);
    const without = await runProcess({}, 'list', '--server', url, ...TRUSTING());
    expect(without.code).not.toBe(0);
    const half = await runProcess({}, 'list', '--server', url, '--cert-file', client.certificate);
    expect([half.code, half.err]).toEqual([2, expect.stringContaining('--cert-file and --key-file belong together')]);
    const missing = await runProcess({}, 'list', '--server', url, '--ca-file', '/nowhere.pem');
    expect([missing.code, missing.err]).toEqual([2, expect.stringContaining('--ca-file /nowhere.pem cannot be read')]);
  });

  describe.each(['https', 'grpcs'] as const)('over %s', (scheme) => {
    it('is reached by the SDK with tls: ca, cert, key', async () => {
      const { url, grpc } = await serve(...requiring());
      const address = scheme === 'https' ? url : grpc;
      const identity = { cert: client.certificateText, key: client.keyText };
      await using known = connect(address, { tls: { ca: authority.certificateText, ...identity } });
      await expect(known.list()).resolves.toMatchObject({ items: [] });
      const brief = { retryForMs: 0, requestTimeoutMs: 3_000 };
      await using unknown = connect(address, { ...brief, tls: { ca: other.certificateText, ...identity } });
      await expect(unknown.list()).rejects.toThrow();
      await using without = connect(address, { ...brief, tls: { ca: authority.certificateText } });
      await expect(without.list()).rejects.toThrow();
    });

    it('is reached under another name with tls: serverName', async () => {
      const named = await authority.issue({ names: ['DNS:holdfast.example'] });
      const { url, grpc } = await serve('--tls-cert-file', named.certificate, '--tls-key-file', named.key);
      const address = scheme === 'https' ? url : grpc;
      const ca = authority.certificateText;
      await using right = connect(address, { tls: { ca, serverName: 'holdfast.example' } });
      await expect(right.list()).resolves.toMatchObject({ items: [] });
      await using wrong = connect(address, { retryForMs: 0, requestTimeoutMs: 3_000, tls: { ca } });
      await expect(wrong.list()).rejects.toThrow();
    });
  });

  it('calls branches with an authority and a client certificate, and shows why it cannot', async () => {
    const branch: Server = createServer(
      {
        cert: server.certificateText,
        key: server.keyText,
        ca: authority.certificateText,
        requestCert: true,
        rejectUnauthorized: true,
      },
      (request, response) => {
        request.resume();
        response.end('{}');
      },
    );
    await new Promise<void>((resolve) => branch.listen(0, '127.0.0.1', resolve));
    const action = `https://localhost:${(branch.address() as AddressInfo).port}/action`;
    const towards = ['--branch-tls-cert-file', client.certificate, '--branch-tls-key-file', client.key];
    const trusted = await serve('--branch-tls-ca-file', authority.certificate, ...towards);
    const wary = await serve();
    for (const [{ url }, isTrusted] of [
      [trusted, true],
      [wary, false],
    ] as const) {
      await using hf = connect(url, { tls: { ca: authority.certificateText } });
      const submitted = hf.saga().step({ action, compensate: action, payload: {} });
      if (isTrusted) await expect(submitted.submit({ wait: true })).resolves.toMatchObject({ status: 'succeed' });
      else {
        const { gid } = await submitted.submit();
        const shown = await vi.waitUntil(
          async () => {
            const { out } = await runProcess({}, 'show', gid, '--server', url, ...TRUSTING());
            return out.includes('TLS:') && out;
          },
          { timeout: 20_000, interval: 200 },
        );
        expect(shown).toContain("TLS: the server's certificate is issued by an");
      }
    }
    branch.closeAllConnections();
    branch.close();
  });

  it('takes a new certificate at SIGHUP, and stops at SIGTERM', async () => {
    const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    const install = async (pair: Issued): Promise<void> => {
      await copyFile(pair.certificate, certFile);
      await copyFile(pair.key, keyFile);
    };
    await install(server);
    const { run, url } = await serve('--tls-cert-file', certFile, '--tls-key-file', keyFile);
    const before = await serialOf(url);
    await install(await authority.issue());
    run.child.kill('SIGHUP');
    await vi.waitUntil(async () => (await serialOf(url)) !== before, { timeout: 10_000 });
    expect(await run.stop()).toBe(0);
  });

  it('is known to doctor as the program at its port', async () => {
    const { url } = await serve();
    const env = { HOLDFAST_TLS_CERT_FILE: server.certificate, HOLDFAST_TLS_KEY_FILE: server.key };
    const { port } = new URL(url);
    const { out } = await runProcess(
      env,
      'doctor',
      '--store',
      'memory:',
      '--http-port',
      port,
      '--server',
      url,
      ...TRUSTING(),
    );
    expect(out).toMatch(new RegExp(`ok +port ${port} +a coordinator is running there`));
  });

  it('is checked by doctor before it starts', async () => {
    const env = { HOLDFAST_TLS_CERT_FILE: server.certificate, HOLDFAST_TLS_KEY_FILE: client.key };
    const { code, out } = await runProcess(env, 'doctor', '--store', 'memory:', '--http-port', '0');
    expect(code).toBe(1);
    expect(out).toContain('the key does not belong to the (first) certificate');
    const soon = await authority.issue({ days: 2 });
    const expiring = { HOLDFAST_TLS_CERT_FILE: soon.certificate, HOLDFAST_TLS_KEY_FILE: soon.key };
    expect((await runProcess(expiring, 'doctor', '--store', 'memory:', '--http-port', '0')).out).toContain('renew it');
  });

  it('does not start with a faulty file, and names it in one line', async () => {
    const file = join(folder, 'nothing.pem');
    await writeFile(file, 'nothing');
    const args = ['serve', '--store', 'memory:', '--tls-cert-file', file, '--tls-key-file', server.key];
    const { code, err } = await runProcess({}, ...args);
    expect(code).toBe(1);
    expect(err).toBe(`holdfast: --tls-cert-file ${file}: it contains no certificate in PEM form (BEGIN CERTIFICATE)\n`);
  });
});
