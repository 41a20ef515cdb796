import { copyFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import grpc from '@grpc/grpc-js';
import { type RunningServer, type ServerConfig, startServer } from '@holdfast/server';
import { describeWith } from '@holdfast/testing/describe-with';
import { type Issued, TestAuthority } from '@holdfast/testing/servers';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';

let authority: TestAuthority;
let other: TestAuthority;
let certificate: Issued;
let folder: string;
let lines: string[];
const running: RunningServer[] = [];

const note = (_fields: unknown, text: string): void => void lines.push(text);
const log = { debugs: false, debug() {}, info() {}, warn: note, error: note };

beforeAll(async () => {
  [authority, other] = await Promise.all([TestAuthority.create(), TestAuthority.create()]);
  certificate = await authority.issue();
});
afterAll(() => Promise.all([authority.remove(), other.remove()]));
beforeEach(async () => {
  lines = [];
  folder = await mkdtemp(join(tmpdir(), 'holdfast-tls-'));
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
  await rm(folder, { recursive: true });
});

const filesOf = ({ certificate: cert, key }: Issued) => ({ tlsCertFile: cert, tlsKeyFile: key });

async function start(values: Partial<ServerConfig>): Promise<RunningServer> {
  const server = await startServer({ store: 'memory:', httpPort: 0, drainTimeout: 0, ...values }, { log });
  running.push(server);
  return server;
}

const portOf = ({ url }: RunningServer): number => Number(new URL(url).port);

interface Response {
  readonly status: number;
  readonly body: string;
  /** The serial number of the server's certificate. */
  readonly serial: string;
}

function get(url: string, options: https.RequestOptions = {}): Promise<Response> {
  return new Promise((resolve, reject) => {
    const request = https.get(url, { ca: authority.certificateText, agent: false, ...options }, (response) => {
      const serial = (response.socket as tls.TLSSocket).getPeerCertificate().serialNumber;
      let body = '';
      response.setEncoding('utf8').on('data', (piece: string) => (body += piece));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body, serial }));
    });
    request.on('error', reject);
  });
}

/** The status and message of a health check over gRPC. */
function checkHealth(address: string, client?: Issued, ca = authority.certificateText): Promise<string> {
  const pem = (text: string | undefined) => (text === undefined ? undefined : Buffer.from(text));
  const credentials = grpc.credentials.createSsl(
    Buffer.from(ca),
    pem(client?.keyText) ?? null,
    pem(client?.certificateText) ?? null,
  );
  const caller = new grpc.Client(address, credentials, { 'grpc.enable_retries': 0 });
  const same = (bytes: Buffer): Buffer => bytes;
  return new Promise((resolve) => {
    const options = { deadline: Date.now() + 5_000 };
    caller.makeUnaryRequest('/grpc.health.v1.Health/Check', same, same, Buffer.alloc(0), options, (error, value) => {
      caller.close();
      resolve(error === null ? `ok ${value?.toString('hex')}` : `${error.code} ${error.details}`);
    });
  });
}

const SERVING = 'ok 0801';

describeWith(['openssl'], 'a server with a certificate', () => {
  it.each(['own', 'node'] as const)('serves https: requests read by %s', async (requestReader) => {
    const server = await start({ ...filesOf(certificate), requestReader });
    expect(server.url).toMatch(/^https:/);
    await expect(get(`${server.url}/healthz`)).resolves.toMatchObject({ status: 200 });
    await expect(get(`${server.url}/api/dtmsvr/newGid`)).resolves.toMatchObject({
      status: 200,
      body: expect.stringContaining('gid'),
    });
    const { hostname, port } = new URL(server.url);
    await expect(get(`https://localhost:${port}/readyz`)).resolves.toMatchObject({ status: 200 });
    expect(hostname).toBe('127.0.0.1');
  });

  it.each(['own', 'node'] as const)('keeps a connection for many requests and large bodies: %s', async (reader) => {
    const server = await start({ ...filesOf(certificate), requestReader: reader });
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca: authority.certificateText });
    const post = (body: string): Promise<number> =>
      new Promise((resolve, reject) => {
        const request = https.request(`${server.url}/api/dtmsvr/submit`, { method: 'POST', agent }, (response) => {
          response.resume().on('end', () => resolve(response.statusCode ?? 0));
        });
        request.on('error', reject);
        request.end(body);
      });
    for (let count = 0; count < 3; count++) {
      const step = { action: 'http://127.0.0.1:9/x', compensate: '' };
      const big = JSON.stringify({
        gid: `g${count}`,
        trans_type: 'saga',
        steps: [step],
        payloads: [JSON.stringify({ x: 'x'.repeat(300_000) })],
      });
      await expect(post(big)).resolves.toBe(200);
      await expect(post('{')).resolves.toBe(400);
    }
    expect(Object.values(agent.freeSockets).flat()).toHaveLength(1);
    agent.destroy();
  });

  it.each(['own', 'grpc-js'] as const)('serves gRPC over TLS, not without: %s', async (grpcServer) => {
    const server = await start({ ...filesOf(certificate), grpcServer });
    await expect(checkHealth(server.grpcAddress)).resolves.toBe(SERVING);
    await expect(checkHealth(server.grpcAddress, undefined, other.certificateText)).resolves.toMatch(/^14 .*/);
    const plain = new grpc.Client(server.grpcAddress, grpc.credentials.createInsecure());
    const failed = new Promise<grpc.ServiceError | null>((resolve) =>
      plain.makeUnaryRequest(
        '/grpc.health.v1.Health/Check',
        (bytes: Buffer) => bytes,
        (bytes: Buffer) => bytes,
        Buffer.alloc(0),
        { deadline: Date.now() + 5_000 },
        (error) => resolve(error),
      ),
    );
    expect((await failed)?.code).toBe(grpc.status.PERMISSION_DENIED);
    plain.close();
  });

  it('responds to a client without TLS that it must use https', async () => {
    const server = await start(filesOf(certificate));
    const text = await new Promise<string>((resolve, reject) => {
      http
        .get({ port: portOf(server), path: '/healthz', agent: false }, (response) => {
          expect(response.statusCode).toBe(400);
          let body = '';
          response.setEncoding('utf8').on('data', (piece: string) => (body += piece));
          response.on('end', () => resolve(body));
        })
        .on('error', reject);
    });
    expect(JSON.parse(text)).toEqual({
      type: 'about:blank',
      title: 'The request is wrong',
      status: 400,
      code: 'invalid',
      detail: 'this port serves TLS; use https:// (gRPC: a channel with TLS)',
      message: 'this port serves TLS; use https:// (gRPC: a channel with TLS)',
    });
  });

  it('rejects TLS 1.0 and 1.1, and serves 1.2 and 1.3', async () => {
    const server = await start(filesOf(certificate));
    const connect = (version: tls.SecureVersion): Promise<string> =>
      new Promise((resolve) => {
        const options = { port: portOf(server), ca: authority.certificateText, ciphers: 'DEFAULT@SECLEVEL=0' };
        const socket = tls.connect({ ...options, minVersion: version, maxVersion: version }, () => {
          resolve(socket.getProtocol() ?? '');
          socket.destroy();
        });
        socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      });
    await expect(connect('TLSv1')).resolves.toMatch(/PROTOCOL_VERSION|ECONNRESET/);
    await expect(connect('TLSv1.1')).resolves.toMatch(/PROTOCOL_VERSION|ECONNRESET/);
    await expect(connect('TLSv1.2')).resolves.toBe('TLSv1.2');
    await expect(connect('TLSv1.3')).resolves.toBe('TLSv1.3');
  });

  it('does not renegotiate', async () => {
    const server = await start(filesOf(certificate));
    const socket = tls.connect({ port: portOf(server), ca: authority.certificateText, maxVersion: 'TLSv1.2' });
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    const outcome = await new Promise<Error | null>((resolve) => {
      socket.on('error', resolve);
      socket.on('close', () => resolve(new Error('closed')));
      socket.renegotiate({}, (error) => resolve(error));
    });
    expect(outcome).not.toBeNull();
    await expect(get(`${server.url}/healthz`)).resolves.toMatchObject({ status: 200 });
  });

  it('is not disturbed by clients that never finish their handshake, or disconnect during it', async () => {
    const server = await start(filesOf(certificate));
    const silent = Array.from({ length: 50 }, () => net.connect(portOf(server), '127.0.0.1'));
    for (const [index, socket] of silent.entries()) {
      socket.on('error', () => {});
      if (index % 3 === 1) socket.write(Buffer.from([0x16, 3, 1]));
      if (index % 3 === 2) socket.end(Buffer.from([0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5]));
    }
    await Promise.all(silent.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
    await expect(get(`${server.url}/healthz`)).resolves.toMatchObject({ status: 200 });
    await server.close();
    for (const socket of silent) socket.destroy();
  });

  it.each(['url', 'grpcAddress'] as const)(
    'bounds unfinished handshakes: the oldest of 1,100 are ended, others are served (%s)',
    async (address) => {
      const server = await start(filesOf(certificate));
      const port = address === 'url' ? portOf(server) : Number(server.grpcAddress.split(':').at(-1));
      const open: net.Socket[] = [];
      let ended = 0;
      const connect = (): Promise<void> =>
        new Promise((resolve) => {
          const socket = net.connect(port, '127.0.0.1', resolve);
          socket.on('error', () => undefined).once('close', () => ended++);
          // Half of a record: the handshake has begun, and never completes.
          socket.write(Buffer.from([0x16, 3, 1, 2, 0, 1]));
          open.push(socket);
        });
      for (let batch = 0; batch < 11; batch++) await Promise.all(Array.from({ length: 100 }, connect));
      await vi.waitFor(() => expect(ended).toBeGreaterThanOrEqual(100), { timeout: 5_000 });
      expect(ended).toBeLessThan(200);
      if (address === 'url') await expect(get(`${server.url}/healthz`)).resolves.toMatchObject({ status: 200 });
      else expect(await checkHealth(server.grpcAddress)).toBe(SERVING);
      for (const socket of open) socket.destroy();
    },
  );

  it('exposes when the certificate expires, and counts failed handshakes', async () => {
    const server = await start(filesOf(certificate));
    const plain = tls.connect({ port: portOf(server), ca: authority.certificateText, ALPNProtocols: ['h3'] });
    await new Promise((resolve) => plain.once('error', resolve));
    const text = await vi.waitUntil(
      async () => {
        const { body } = await get(`${server.url}/api/metrics`);
        return body.includes('holdfast_tls_handshake_failures_total 1') && body;
      },
      { timeout: 10_000 },
    );
    const seconds = Number(
      /^holdfast_tls_certificate_expiry_timestamp_seconds\{use="server"\} (\d+)$/m.exec(text)?.[1],
    );
    expect(Math.abs(seconds - (Date.now() / 1_000 + 30 * 86_400))).toBeLessThan(600);
  });
});

describeWith(['openssl'], 'the certificate of a server', () => {
  it('stops the start with one line if it, or its key, has a fault', async () => {
    const [second, empty] = [await authority.issue(), join(folder, 'empty.pem')];
    await writeFile(empty, 'nothing');
    const encrypted = join(folder, 'encrypted.key');
    await writeFile(encrypted, '-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n');
    const damaged = join(folder, 'damaged.pem');
    await writeFile(damaged, '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n');
    const good = filesOf(certificate);
    for (const [files, line] of [
      [{ tlsCertFile: join(folder, 'none') }, `--tls-cert-file ${folder}/none: there is no such file`],
      [{ tlsCertFile: empty }, `--tls-cert-file ${empty}: it contains no certificate in PEM form (BEGIN CERTIFICATE)`],
      [{ tlsCertFile: damaged }, `--tls-cert-file ${damaged}: its certificate 1 is damaged`],
      [{ tlsKeyFile: second.key }, `--tls-key-file ${second.key}: the key does not belong to the (first) certificate`],
      [
        { tlsKeyFile: encrypted },
        `--tls-key-file ${encrypted}: the key is encrypted; decrypt it: openssl pkey -in ENCRYPTED -out KEY`,
      ],
      [{ tlsKeyFile: empty }, `--tls-key-file ${empty}: it contains no private key in PEM form (BEGIN PRIVATE KEY)`],
      [{ tlsClientCaFile: empty }, `--tls-client-ca-file ${empty}: it contains no certificate`],
      [{ tlsKeyFile: '' }, '--tls-cert-file requires --tls-key-file'],
      [{ tlsCertFile: '' }, '--tls-key-file requires --tls-cert-file'],
      [{ tlsClientAuth: 'optional' }, '--tls-client-auth requires --tls-client-ca-file'],
    ] as const)
      await expect(start({ ...good, ...files })).rejects.toThrow(line);
    await expect(start({ tlsClientCaFile: authority.certificate })).rejects.toThrow(
      '--tls-client-ca-file requires --tls-cert-file',
    );
  });

  it('is a warning at the start if it has expired or expires soon', async () => {
    await start(filesOf(await authority.issue({ days: -1 })));
    await start(filesOf(await authority.issue({ days: 3 })));
    expect(lines).toEqual([
      expect.stringMatching(/^the certificate expired on \d{4}-\d\d-\d\dT[\d:]+Z; peers reject it$/),
      expect.stringMatching(/^the certificate expires on \d{4}-\d\d-\d\dT[\d:]+Z; renew it$/),
    ]);
  });

  it('is replaced without a restart: for new connections, while the open ones stay', async () => {
    const files = { tlsCertFile: join(folder, 'cert.pem'), tlsKeyFile: join(folder, 'key.pem') };
    const install = async (pair: Issued): Promise<void> => {
      for (const [from, to] of [
        [pair.certificate, files.tlsCertFile],
        [pair.key, files.tlsKeyFile],
      ] as const) {
        await copyFile(from, `${to}.new`);
        await rename(`${to}.new`, to);
      }
    };
    await install(certificate);
    const server = await start(files);
    const kept = new https.Agent({ keepAlive: true, maxSockets: 1 });
    const first = await get(`${server.url}/healthz`, { agent: kept });

    const next = await authority.issue();
    await install(next);
    await server.reload();
    const second = await get(`${server.url}/healthz`);
    expect(second.serial).not.toBe(first.serial);
    expect((await get(`${server.url}/healthz`, { agent: kept })).serial).toBe(first.serial);

    // Half of a new pair, and an expired one, leave the last one in use.
    await copyFile(certificate.certificate, files.tlsCertFile);
    await server.reload();
    await install(await authority.issue({ days: -1 }));
    await server.reload();
    expect((await get(`${server.url}/healthz`)).serial).toBe(second.serial);
    await expect(checkHealth(server.grpcAddress)).resolves.toBe(SERVING);
    expect(lines).toEqual([
      `--tls-key-file ${files.tlsKeyFile}: the key does not belong to the (first) certificate; the previous content stays in use`,
      expect.stringMatching(/cert\.pem: the certificate expired on .*; the previous content stays in use$/),
    ]);

    await install(certificate);
    await server.reload();
    expect((await get(`${server.url}/healthz`)).serial).toBe(first.serial);
    kept.destroy();
    expect((await readFile(files.tlsKeyFile, 'utf8')).length).toBeGreaterThan(0);
  });
});

describeWith(['openssl'], 'client certificates', () => {
  const pem = ({ certificateText, keyText }: Issued) => ({ cert: certificateText, key: keyText });

  it.each(['own', 'grpc-js'] as const)('are required: without one, and with another, %s', async (grpcServer) => {
    const server = await start({ ...filesOf(certificate), tlsClientCaFile: authority.certificate, grpcServer });
    const [client, stranger, expired] = await Promise.all([
      authority.issue({ subject: 'orders' }),
      other.issue(),
      authority.issue({ days: -1 }),
    ]);
    const url = `${server.url}/healthz`;
    await expect(get(url, pem(client))).resolves.toMatchObject({ status: 200 });
    await expect(get(url)).resolves.toMatchObject({
      status: 401,
      body: expect.stringContaining('a client certificate is required (--tls-client-auth required)'),
    });
    await expect(get(url, pem(stranger))).resolves.toMatchObject({
      status: 401,
      body: expect.stringContaining('the client certificate is not accepted: UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
    });
    await expect(get(url, pem(expired))).resolves.toMatchObject({
      status: 401,
      body: expect.stringContaining('the client certificate is not accepted: CERT_HAS_EXPIRED'),
    });
    await expect(checkHealth(server.grpcAddress, client)).resolves.toBe(SERVING);
    for (const rejected of [undefined, stranger, expired])
      await expect(checkHealth(server.grpcAddress, rejected)).resolves.toMatch(/^7 /);
  });

  it('are optional: a client without one is served, a client with a wrong one is not', async () => {
    const server = await start({
      ...filesOf(certificate),
      tlsClientCaFile: authority.certificate,
      tlsClientAuth: 'optional',
    });
    const url = `${server.url}/healthz`;
    await expect(get(url)).resolves.toMatchObject({ status: 200 });
    await expect(get(url, pem(await authority.issue()))).resolves.toMatchObject({ status: 200 });
    await expect(get(url, pem(await other.issue()))).resolves.toMatchObject({ status: 401 });
  });

  it('are verified against the new authorities after a reload, also in resumed sessions', async () => {
    const ca = join(folder, 'ca.pem');
    await copyFile(authority.certificate, ca);
    const server = await start({ ...filesOf(certificate), tlsClientCaFile: ca });
    const client = pem(await authority.issue());
    const options = { port: portOf(server), host: '127.0.0.1', path: '/healthz', ca: authority.certificateText };
    const agent = new https.Agent({ keepAlive: false, maxCachedSessions: 10 });
    const status = (): Promise<number> =>
      get('https://127.0.0.1', { ...options, ...client, agent }).then((r) => r.status);
    await expect(status()).resolves.toBe(200);
    await copyFile(other.certificate, ca);
    await server.reload();
    await expect(status()).resolves.toBe(401);
  });
});

it('a server does not start if the verification of certificates is disabled', async () => {
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  try {
    await expect(start({})).rejects.toThrow('NODE_TLS_REJECT_UNAUTHORIZED=0 disables the verification of certificates');
  } finally {
    vi.unstubAllEnvs();
  }
});
