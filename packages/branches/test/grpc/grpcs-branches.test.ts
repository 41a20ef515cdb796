import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import { type AddressInfo, createServer } from 'node:net';
import { describeWith } from '@holdfast/testing/describe-with';
import { makeCertificate } from '@holdfast/testing/servers';
import { ConnectionPools } from '@holdfast/branches';
import type { BranchResult } from '@holdfast/protocol';
import { afterEach, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import { GrpcChannel } from '../../src/grpc/grpc-channel.ts';
import { GrpcExchange } from '../../src/grpc/grpc-exchange.ts';
import { metadataOf } from '../../src/grpc/grpc-metadata.ts';
import { grpcTargetOf } from '../../src/grpc/grpc-target.ts';
import { passThrough } from '../../src/grpc/resolver.ts';
import { branchRequest } from '../support/requests.ts';
import { branchRouter } from '../support/routers.ts';

describeWith(['openssl'], 'a branch called over gRPC with TLS', () => {
  let certificate: Buffer;
  let key: Buffer;
  let server: Http2SecureServer;
  let port: number;
  let seen: string[];

  beforeAll(async () => {
    const made = await makeCertificate();
    if (made === undefined) throw new Error('openssl is not installed');
    [certificate, key] = [readFileSync(made.certificate), readFileSync(made.key)];
    await made.remove();
  });
  beforeEach(async () => {
    seen = [];
    server = createSecureServer({ cert: certificate, key });
    server.on('stream', (stream, headers) => {
      seen.push(`${headers[':scheme']} ${headers[':path']}`);
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.alloc(5));
    });
    server.listen(0, '0.0.0.0');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  });
  afterEach(() => server.close());

  const urlOf = (host: string): string => `grpcs://${host}:${port}/bank.Bank/Debit`;

  /** Calls a branch as the protocol does, with the certificate among those that are trusted. */
  function callTrusting(url: string): Promise<BranchResult> {
    const { clock, names } = new ConnectionPools();
    const target = grpcTargetOf(url);
    const settings = { clock, names, connectTimeoutMs: 5_000, idleMs: 60_000, tls: { ca: certificate } };
    const channel = new GrpcChannel(target.server, target.isSecure, passThrough, settings);
    onTestFinished(() => channel.destroy());
    const request = branchRequest(url, { protocol: 'grpc' });
    return new Promise((settle) =>
      channel.send(
        new GrpcExchange(metadataOf(request, target), Buffer.alloc(5), channel, clock, request.timeoutMs, settle),
      ),
    );
  }

  it.each(['127.0.0.1', 'localhost'])('is reached if its certificate is trusted: %s', async (host) => {
    expect(await callTrusting(urlOf(host))).toEqual({ kind: 'SUCCESS', reason: '' });
    expect(seen).toEqual(['https /bank.Bank/Debit']);
  });

  it('is not called if its certificate is for another name', async () => {
    const { kind, reason } = await callTrusting(urlOf('127.0.0.2'));
    expect([kind, reason]).toEqual(['UNKNOWN', expect.stringContaining("the server's certificate is not valid for")]);
    expect(seen).toEqual([]);
  });

  it('is not called if its certificate is not trusted', async () => {
    const router = branchRouter();
    onTestFinished(() => router.close());
    const { kind, reason } = await router.call(branchRequest(urlOf('localhost'), { protocol: 'grpc' }));
    expect([kind, reason]).toEqual(['UNKNOWN', expect.stringContaining('is self-signed')]);
    expect(seen).toEqual([]);
  });

  it('is UNKNOWN in time if the server does not speak TLS', async () => {
    const plain = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    onTestFinished(() => void plain.close());
    plain.listen(0, '127.0.0.1');
    await once(plain, 'listening');
    const { port: plainPort } = plain.address() as AddressInfo;
    const result = await callTrusting(`grpcs://127.0.0.1:${plainPort}/bank.Bank/Debit`);
    expect(result.kind).toBe('UNKNOWN');
  });
});
