import tls from 'node:tls';
import { type RunningServer, startServer } from '@holdfast/server';
import { describeWith } from '@holdfast/testing/describe-with';
import { type Issued, TestAuthority } from '@holdfast/testing/servers';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';

const log = { debugs: false, debug() {}, info() {}, warn() {}, error() {} };
const DAY_MS = 86_400_000;
const REQUEST = 'GET /api/v1/transactions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0';

let authority: TestAuthority;
let other: TestAuthority;
let server: RunningServer;

beforeAll(async () => {
  [authority, other] = await Promise.all([TestAuthority.create(), TestAuthority.create()]);
  const { certificate, key } = await authority.issue();
  const files = { tlsCertFile: certificate, tlsKeyFile: key, tlsClientCaFile: authority.certificate };
  server = await startServer({ store: 'memory:', httpPort: 0, drainTimeout: 0, ...files }, { log });
});
afterAll(async () => {
  await server.close();
  await Promise.all([authority.remove(), other.remove()]);
});
afterEach(() => vi.useRealTimers());

interface Received {
  /** What the server sent first. */
  readonly text: string;
  readonly session: Buffer | undefined;
  readonly isResumed: boolean;
}

/** Sends one request over a new connection. */
function request(port: Port, options: tls.ConnectionOptions): Promise<Received> {
  return new Promise((resolve, reject) => {
    const address = port === 'HTTP' ? new URL(server.url).host : server.grpcAddress;
    const ca = authority.certificateText;
    const ALPNProtocols = [port === 'HTTP' ? 'http/1.1' : 'h2'];
    const socket = tls.connect({ port: Number(address.split(':').at(-1)), ca, ALPNProtocols, ...options });
    let session: Buffer | undefined;
    socket.on('session', (given) => (session = given)).on('error', reject);
    socket.on('secureConnect', () => socket.write(port === 'HTTP' ? REQUEST : PREFACE));
    socket.once('data', (bytes) => {
      resolve({ text: bytes.toString('latin1'), session, isResumed: socket.isSessionReused() });
      socket.destroy();
    });
  });
}

type Port = 'HTTP' | 'gRPC';
const REQUIRED = 'a client certificate is required';
const clientOf = (issued: Issued) => ({ cert: issued.certificateText, key: issued.keyText });

describeWith(['openssl'], 'a resumed TLS session', () => {
  it.each([
    ['HTTP', 'TLSv1.3'],
    ['HTTP', 'TLSv1.2'],
    ['gRPC', 'TLSv1.3'],
    ['gRPC', 'TLSv1.2'],
  ] as const)('needs a client certificate like the first one: %s, %s', async (port, maxVersion) => {
    const first = await request(port, { maxVersion });
    expect(first.text).toContain(REQUIRED);
    const again = await request(port, { maxVersion, session: first.session });
    expect(again.isResumed).toBe(true);
    expect(again.text).toContain(REQUIRED);

    const stranger = clientOf(await other.issue());
    const rejected = await request(port, { maxVersion, ...stranger });
    const rejectedAgain = await request(port, { maxVersion, ...stranger, session: rejected.session });
    expect(rejectedAgain.text).toContain('the client certificate is not accepted');
  });

  it.each(['TLSv1.3', 'TLSv1.2'] as const)('is that of its client certificate until this expires: %s', async (max) => {
    const client = clientOf(await authority.issue({ days: 3 }));
    const first = await request('HTTP', { maxVersion: max, ...client });
    expect(first.text).toMatch(/^HTTP\/1\.1 200 /);
    const again = await request('HTTP', { maxVersion: max, ...client, session: first.session });
    expect(again.isResumed).toBe(true);
    expect(again.text).toMatch(/^HTTP\/1\.1 200 /);

    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 4 * DAY_MS });
    const late = await request('HTTP', { maxVersion: max, ...client, session: first.session });
    expect(late.isResumed).toBe(true);
    expect(late.text).toContain('the client certificate is not accepted: CERT_HAS_EXPIRED');
  });
});
