import http2 from 'node:http2';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { embed, type EmbedOptions } from '@holdfast/embed';
import { describeWith } from '@holdfast/testing/describe-with';
import { type Issued, TestAuthority } from '@holdfast/testing/servers';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { SILENT } from './support/silent.ts';

type BranchTls = NonNullable<EmbedOptions['branchTls']>;

const OPTIONS = { store: 'memory:', logger: SILENT, drainMs: 0 } as const satisfies EmbedOptions;

/** Starts a participant that requires a certificate of its clients; returns the URL of a branch. */
async function participant(scheme: 'https' | 'grpcs', options: TlsOptions): Promise<string> {
  const server =
    scheme === 'https'
      ? https.createServer(options, (request, response) => {
          request.resume();
          response.end('{}');
        })
      : http2.createSecureServer(options).on('stream', (stream) => {
          stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
          stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
          stream.end(Buffer.alloc(5));
        });
  const sockets = new Set<{ destroy(): void }>();
  server.on('connection', (socket: { destroy(): void }) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return `${scheme}://localhost:${(server.address() as AddressInfo).port}/bank.Bank/Call`;
}

describeWith(['openssl'], 'the option branchTls of embed()', () => {
  let authority: TestAuthority;
  let other: TestAuthority;
  let own: Issued;
  let strange: Issued;
  let server: Issued;
  let expired: Issued;
  beforeAll(async () => {
    [authority, other] = await Promise.all([TestAuthority.create(), TestAuthority.create()]);
    [own, strange, server, expired] = await Promise.all([
      authority.issue({ subject: 'shop' }),
      other.issue({ subject: 'shop' }),
      authority.issue(),
      authority.issue({ days: -1 }),
    ]);
  });
  afterAll(() => Promise.all([authority.remove(), other.remove()]));

  const serve = (scheme: 'https' | 'grpcs', { certificateText, keyText }: Issued) =>
    participant(scheme, {
      cert: certificateText,
      key: keyText,
      ca: authority.certificateText,
      requestCert: true,
      rejectUnauthorized: true,
    });
  const withClient = ({ certificateText, keyText }: Issued): BranchTls => ({
    ca: authority.certificateText,
    cert: certificateText,
    key: keyText,
  });
  const call = async (action: string, branchTls?: BranchTls) => {
    const options = { ...OPTIONS, ...(branchTls !== undefined && { branchTls }) };
    const hf = await embed({ ...options, engine: { retryIntervalMs: 100, maxRetryIntervalMs: 100 } });
    onTestFinished(() => hf.close());
    return { hf, ...(await hf.saga().step({ action, compensate: action, payload: {} }).submit()) };
  };

  it.each(['https', 'grpcs'] as const)('calls %s with the authority and the client certificate', async (scheme) => {
    const { hf, gid } = await call(await serve(scheme, server), withClient(own));
    await hf.wait(gid, { timeoutMs: 20_000 });
    expect((await hf.get(gid))?.status).toBe('succeed');
  });

  it.each([
    ['https', 'no authority', /issued by an unknown authority/],
    ['grpcs', 'no authority', /issued by an unknown authority/],
    ['https', 'no client certificate', /"UNKNOWN"/],
    ['grpcs', 'no client certificate', /"UNKNOWN"/],
    ['https', 'the certificate of another authority', /"UNKNOWN"/],
    ['grpcs', 'the certificate of another authority', /"UNKNOWN"/],
    ['https', 'an expired server', /has expired/],
    ['grpcs', 'an expired server', /has expired/],
  ] as const)('retries a call over %s with %s, and compensates nothing', async (scheme, what, reason) => {
    const url = await serve(scheme, what === 'an expired server' ? expired : server);
    const branchTls =
      what === 'no authority'
        ? undefined
        : what === 'no client certificate'
          ? { ca: authority.certificateText }
          : withClient(what === 'an expired server' ? own : strange);
    const { hf, gid } = await call(url, branchTls);
    const timeline = async (): Promise<string> => JSON.stringify((await hf.get(gid))?.timeline.slice(0, 4));
    await expect.poll(timeline, { timeout: 20_000 }).toMatch(reason);
    expect((await hf.get(gid))?.status).toBe('submitted');
  });

  it('rejects a certificate without a key, and PEM with a fault, without a part of them', async () => {
    await expect(embed({ ...OPTIONS, branchTls: { cert: own.certificateText } })).rejects.toThrow(
      'embed(): branchTls must have both cert and key, or neither',
    );
    const damaged = own.keyText.replaceAll(/[A-Z]{4}/g, 'AAAA');
    const started = embed({ ...OPTIONS, branchTls: { cert: own.certificateText, key: damaged } });
    await expect(started).rejects.toThrow(TypeError);
    await expect(started).rejects.toThrow(/^embed\(\): branchTls/);
    for (const ca of ['nonsense', '', own.keyText, [], [authority.certificateText, 'nonsense']])
      await expect(embed({ ...OPTIONS, branchTls: { ca } })).rejects.toThrow(
        new TypeError('embed(): branchTls.ca must have certificates in PEM form (BEGIN CERTIFICATE)'),
      );
  });
});
