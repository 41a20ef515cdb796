import { once } from 'node:events';
import https from 'node:https';
import http2 from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import type { BranchRequest } from '@holdfast/core';
import { describeWith } from '@holdfast/testing/describe-with';
import { type Issued, TestAuthority } from '@holdfast/testing/servers';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import {
  branchContext,
  BranchRouter,
  ConnectionPools,
  createBranchRegistry,
  LocalBranches,
  undiciClient,
} from '../../src/index.ts';

let authority: TestAuthority;
let other: TestAuthority;
let good: Issued;
const open: (() => unknown)[] = [];

beforeAll(async () => {
  [authority, other] = await Promise.all([TestAuthority.create(), TestAuthority.create()]);
  good = await authority.issue();
});
afterAll(() => Promise.all([authority.remove(), other.remove()]));
afterEach(async () => {
  await Promise.all(open.splice(0).map((close) => close()));
});

const KINDS = ['http', 'http by undici', 'json-rpc', 'grpc'] as const;
type Kind = (typeof KINDS)[number];

/** Starts a participant that serves one kind of branch; returns its port. */
async function participant(kind: Kind, options: tls.SecureContextOptions & tls.TlsOptions): Promise<number> {
  const server =
    kind === 'grpc'
      ? http2.createSecureServer(options).on('stream', (stream) => {
          stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
          stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
          stream.end(Buffer.alloc(5));
        })
      : https.createServer(options, (request, response) => {
          request.resume();
          response.end(kind === 'json-rpc' ? '{"jsonrpc":"2.0","id":1,"result":{"ok":true}}' : '{}');
        });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket: net.Socket) => sockets.add(socket));
  open.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function router(kind: Kind, source: () => tls.ConnectionOptions): Promise<BranchRouter> {
  const connectTo = kind === 'http by undici' ? { connectTo: await undiciClient() } : {};
  const pools = new ConnectionPools({
    ...connectTo,
    settings: { tls: source, connectTimeoutMs: 15_000 },
    lookup: 'system',
  });
  const made = new BranchRouter(createBranchRegistry({ pools, locals: new LocalBranches() }));
  open.push(() => made.close());
  return made;
}

const request = (kind: Kind, host: string, port: number): BranchRequest =>
  ({
    gid: 'g',
    pattern: 'saga',
    branchId: '01',
    op: 'action',
    url: kind === 'grpc' ? `grpcs://${host}:${port}/service/Method` : `https://${host}:${port}/branch?method=Do`,
    protocol: kind === 'json-rpc' ? 'json-rpc' : 'http',
    payload: Buffer.from('{}'),
    headers: {},
    timeoutMs: 15_000,
  }) as unknown as BranchRequest;

const trusting = () => ({ secureContext: branchContext({ ca: authority.certificateText }) });

describeWith(['openssl'], 'a branch over TLS', () => {
  it.each(KINDS)('is called if an additional authority has issued its certificate: %s', async (kind) => {
    const port = await participant(kind, { cert: good.certificateText, key: good.keyText });
    const caller = await router(kind, trusting);
    await expect(caller.call(request(kind, 'localhost', port))).resolves.toMatchObject({ kind: 'SUCCESS' });
    await expect(caller.call(request(kind, '127.0.0.1', port))).resolves.toMatchObject({ kind: 'SUCCESS' });
  });

  it.each(KINDS)('has a result UNKNOWN with the reason if its certificate is not valid: %s', async (kind) => {
    const caller = await router(kind, trusting);
    for (const [issued, reason] of [
      [await authority.issue({ days: -1 }), "TLS: the server's certificate has expired (CERT_HAS_EXPIRED)"],
      [
        await authority.issue({ names: ['DNS:orders.example'] }),
        "TLS: the server's certificate is not valid for localhost (ERR_TLS_CERT_ALTNAME_INVALID)",
      ],
      [
        await other.issue(),
        "TLS: the server's certificate is issued by an unknown authority, or the server does not send its chain (UNABLE_TO_VERIFY_LEAF_SIGNATURE)",
      ],
    ] as const) {
      const port = await participant(kind, { cert: issued.certificateText, key: issued.keyText });
      const result = await caller.call(request(kind, 'localhost', port));
      expect(result.kind).toBe('UNKNOWN');
      expect(result.reason).toContain(reason);
    }
  });

  it.each(KINDS)('receives the client certificate that it requires: %s', async (kind) => {
    const client = await other.issue({ subject: 'coordinator' });
    const port = await participant(kind, {
      cert: good.certificateText,
      key: good.keyText,
      ca: other.certificateText,
      requestCert: true,
      rejectUnauthorized: true,
    });
    const ca = authority.certificateText;
    const { certificateText: cert, keyText: key } = client;
    const known = await router(kind, () => ({ secureContext: branchContext({ ca, cert, key }) }));
    await expect(known.call(request(kind, 'localhost', port))).resolves.toMatchObject({ kind: 'SUCCESS' });
    const unknown = await router(kind, trusting);
    await expect(unknown.call(request(kind, 'localhost', port))).resolves.toMatchObject({ kind: 'UNKNOWN' });
  });

  it.each(KINDS)('is called with the authorities of the moment: %s', async (kind) => {
    const port = await participant(kind, { cert: good.certificateText, key: good.keyText });
    let trusted = other;
    const caller = await router(kind, () => ({ secureContext: branchContext({ ca: trusted.certificateText }) }));
    await expect(caller.call(request(kind, 'localhost', port))).resolves.toMatchObject({ kind: 'UNKNOWN' });
    trusted = authority;
    await expect(caller.call(request(kind, 'localhost', port))).resolves.toMatchObject({ kind: 'SUCCESS' });
  });

  it.each(KINDS)('has the reason in its result if its port has no TLS: %s', async (kind) => {
    const plain = net.createServer((socket) =>
      socket.on('error', () => undefined).end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    );
    plain.listen(0, '127.0.0.1');
    await once(plain, 'listening');
    open.push(() => plain.close());
    const caller = await router(kind, trusting);
    const { kind: result, reason } = await caller.call(
      request(kind, 'localhost', (plain.address() as AddressInfo).port),
    );
    expect(result).toBe('UNKNOWN');
    expect(reason).toMatch(/TLS: the server does not use TLS on this port|ECONNRESET/);
  });
});
