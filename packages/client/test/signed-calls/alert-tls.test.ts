import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describeWith } from '@holdfast/testing/describe-with';
import { type Issued, TestAuthority } from '@holdfast/testing/servers';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { createCallVerifier, newGid } from '../../src/index.ts';
import { SECRET } from './keys.ts';
import { coordinator, type Received, recorder } from './world.ts';

describeWith(['openssl'], 'an alert webhook over TLS', () => {
  let authority: TestAuthority;
  let other: TestAuthority;
  let client: Issued;
  beforeAll(async () => {
    [authority, other] = await Promise.all([TestAuthority.create(), TestAuthority.create()]);
    client = await authority.issue({ subject: 'coordinator' });
  });
  afterAll(() => Promise.all([authority.remove(), other.remove()]));

  /** Starts a receiver that requires a client certificate. */
  async function receiver({ certificateText: cert, keyText: key }: Issued) {
    const received: Received[] = [];
    const options = { cert, key, ca: authority.certificateText, requestCert: true, rejectUnauthorized: true };
    const server = createServer(options, (request, response) => {
      const chunks: Buffer[] = [];
      const { method = '', url: target = '', headers, rawHeaders } = request;
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        received.push({ method, target, headers, rawHeaders, body: Buffer.concat(chunks) });
        response.end();
      });
    });
    let refused = 0;
    server.on('tlsClientError', () => void refused++);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    return {
      url: `https://localhost:${(server.address() as AddressInfo).port}/alerts`,
      received,
      refused: () => refused,
    };
  }

  async function alerting(alertWebhook: string) {
    const { server, hf, logged } = await coordinator(SECRET, {
      alertAfterRetries: 1,
      alertWebhook,
      branchTlsCaFile: authority.certificate,
      branchTlsCertFile: client.certificate,
      branchTlsKeyFile: client.key,
    });
    const bank = await recorder((response) => response.writeHead(500).end());
    const gid = newGid();
    await hf.saga(gid).step({ action: bank.url, compensate: null }).submit();
    return { gid, server, logged };
  }

  it('receives signed alerts by the authority and the client certificate for branches', async () => {
    const { url, received } = await receiver(await authority.issue());
    const { gid } = await alerting(url);
    await vi.waitFor(() => expect(received.length).toBeGreaterThan(0), { timeout: 20_000 });
    const [{ method, target, headers, body }] = received as [Received];
    const verifier = createCallVerifier({ keys: [SECRET], hosts: [new URL(url).host] });
    const stated = verifier.read((name) => headers[name]);
    await verifier.verify(stated, { method, target, body });
    expect(JSON.parse(body.toString())).toMatchObject({ gid });
  });

  it.each([
    ['another authority', () => other.issue(), /unknown authority/],
    ['another name', () => authority.issue({ names: ['DNS:alerts.example'] }), /not valid for localhost/],
    ['an expired certificate', () => authority.issue({ days: -1 }), /has expired/],
  ])('receives nothing if it has %s, and the log names the reason', async (_what, issue, reason) => {
    const { url, received, refused } = await receiver(await issue());
    const { server, logged } = await alerting(url);
    await vi.waitFor(() => expect(refused()).toBeGreaterThan(1), { timeout: 20_000 });
    // An alert that could not be delivered until then is logged.
    await server.close();
    expect(logged()).toMatch(reason);
    expect(received).toEqual([]);
  });
});
