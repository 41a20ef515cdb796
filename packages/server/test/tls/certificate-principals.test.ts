import { X509Certificate } from 'node:crypto';
import { writeFile, mkdtemp, rm } from 'node:fs/promises';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import grpc from '@grpc/grpc-js';
import { type RunningServer, type ServerConfig, startServer } from '@holdfast/server';
import { describeWith } from '@holdfast/testing/describe-with';
import { type Issued, TestAuthority } from '@holdfast/testing/servers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readCertificateRules } from '../../src/tls/certificate-principals.ts';
import { describe as describeCertificate } from '../../src/tls/client-certificate.ts';

const certificateWith = (subject: string, subjectAltName: string) =>
  describeCertificate({ fingerprint256: `${'AB:'.repeat(31)}AB`, subject, subjectAltName });

const rulesOf = (text: string) => readCertificateRules(Buffer.from(text), parse);
const matches = (pattern: string, subject: string, names = ''): boolean =>
  rulesOf(JSON.stringify([{ certificate: pattern, principal: 'p', roles: ['viewer'] }]))[0]?.matches(
    certificateWith(subject, names),
  ) === true;

describe('an entry for client certificates', () => {
  it('matches the common name, an alternative name of its kind, or the fingerprint', () => {
    expect(matches('CN:orders', 'O=Shop\nCN=orders')).toBe(true);
    expect(matches('CN:orders', 'CN=orders2')).toBe(false);
    expect(matches('CN:orders', 'O=CN:orders', 'DNS:orders')).toBe(false);
    expect(matches('DNS:*.example.com', '', 'IP Address:10.0.0.1, DNS:A.Example.com')).toBe(true);
    expect(matches('DNS:*.example.com', '', 'DNS:a.b.example.com')).toBe(false);
    expect(matches('DNS:a.example.com', '', 'URI:a.example.com')).toBe(false);
    expect(matches('DNS:a.example.com', '', 'DNS:aXexample.com')).toBe(false);
    expect(matches('IP:10.0.0.1', '', 'IP Address:10.0.0.1')).toBe(true);
    expect(matches('URI:spiffe://shop/sa/*', '', 'URI:spiffe://shop/sa/orders')).toBe(true);
    expect(matches('URI:spiffe://shop/sa/*', '', 'URI:spiffe://shop/sa/orders/admin')).toBe(false);
    expect(matches(`sha256:${'ab'.repeat(32)}`, 'CN=x')).toBe(true);
  });

  it('takes a name with a comma as one name', () => {
    expect(matches('DNS:admin', '', 'DNS:"evil, DNS:admin"')).toBe(false);
  });

  it.each([
    ['no list', 'a: 1', 'it must be a list'],
    ['no map', '[x]', 'entry 1 must be a map'],
    ['an unknown key', '[{certificate: "CN:a", principal: p, roles: [viewer], role: x}]', 'has the key "role"'],
    [
      'a certificate without a kind',
      '[{certificate: a, principal: p, roles: [viewer]}]',
      'entry 1: certificate must be',
    ],
    ['no roles', '[{certificate: "CN:a", principal: p, roles: []}]', 'entry 1: roles must be a list of viewer'],
    ['an unknown role', '[{certificate: "CN:a", principal: p, roles: [root]}]', 'entry 1: roles must be'],
    ['no principal', '[{certificate: "CN:a", roles: [viewer]}]', 'entry 1: principal must be a text'],
    ['a namespace', '[{certificate: "CN:a", principal: p, roles: [viewer], namespaces: ["/"]}]', 'entry 1: namespaces'],
    ['a text', '[', 'it is neither YAML nor JSON'],
  ])('is rejected if the file has %s that is not valid', (_, text, fault) => {
    expect(() => rulesOf(text)).toThrow(fault);
  });
});

describeWith(['openssl'], 'a client certificate', () => {
  let authority: TestAuthority;
  let server: Issued;
  let viewer: Issued;
  let submitter: Issued;
  let stranger: Issued;
  let folder: string;
  const running: RunningServer[] = [];

  it.each([
    ['a comma', 'Ann, Ltd', 'Ann, Ltd'],
    ['a plus sign', String.raw`a\+CN=admin`, 'a+CN=admin'],
    ['a plus sign between blanks', String.raw`a \+ CN=admin`, 'a + CN=admin'],
    ['quotes and angle brackets', '"a" <b>;', '"a" <b>;'],
    ['a backslash before a letter', String.raw`a\\nb`, String.raw`a\nb`],
    ['a number sign and blanks at its ends', ' #a ', ' #a '],
    ['a line feed', 'a\nCN=admin', 'a\nCN=admin'],
    ['letters beyond ASCII', 'Zoë 株式会社', 'Zoë 株式会社'],
    ['another attribute in one part', 'ann+OU=CN', 'ann'],
    ['two common names in one part: none', 'ann+CN=admin', ''],
    ['two common names: none', 'ann/CN=admin', ''],
  ])('has the common name of its subject: %s', async (_, subject, commonName) => {
    const { certificateText } = await authority.issue({ subject });
    expect(describeCertificate(new X509Certificate(certificateText)).commonName).toBe(commonName);
    // An entry cannot name a line feed.
    if (/^.+$/.test(commonName))
      expect(matches(`CN:${commonName}`, new X509Certificate(certificateText).subject)).toBe(true);
    for (const pattern of ['CN:admin', 'CN:CN=admin', 'CN:OU=*'])
      expect(matches(pattern, new X509Certificate(certificateText).subject)).toBe(false);
  });

  it('has no common name if its subject is empty', () => {
    for (const subject of ['', undefined as never, 'O=Shop']) expect(certificateWith(subject, '').commonName).toBe('');
    expect(matches('CN:*', '')).toBe(false);
  });

  beforeAll(async () => {
    authority = await TestAuthority.create();
    [server, viewer, submitter, stranger] = await Promise.all([
      authority.issue(),
      authority.issue({ subject: 'console' }),
      authority.issue({ subject: 'x', names: ['DNS:orders.shop.example'] }),
      authority.issue({ subject: 'stranger' }),
    ]);
    folder = await mkdtemp(join(tmpdir(), 'holdfast-principals-'));
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((one) => one.close()));
  });
  afterAll(() => Promise.all([authority.remove(), rm(folder, { recursive: true })]));

  const PRINCIPALS = [
    { certificate: 'CN:console', principal: 'console', roles: ['viewer'] },
    { certificate: 'DNS:*.shop.example', principal: 'orders', roles: ['submitter'] },
  ];

  async function start(values: Partial<ServerConfig> = {}): Promise<RunningServer> {
    const tlsPrincipals = join(folder, 'principals.yaml');
    await writeFile(tlsPrincipals, JSON.stringify(PRINCIPALS));
    const one = await startServer({
      store: 'memory:',
      httpPort: 0,
      drainTimeout: 0,
      tlsCertFile: server.certificate,
      tlsKeyFile: server.key,
      tlsClientCaFile: authority.certificate,
      tlsClientAuth: 'optional',
      tlsPrincipals,
      ...values,
    });
    running.push(one);
    return one;
  }

  const request = (url: string, client: Issued | undefined, body?: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const options = {
        ca: authority.certificateText,
        cert: client?.certificateText,
        key: client?.keyText,
        method: body === undefined ? 'GET' : 'POST',
        agent: false as const,
      };
      const sent = https.request(url, options, (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0));
      });
      sent.on('error', reject);
      sent.end(body);
    });

  const SAGA = JSON.stringify({
    trans_type: 'saga',
    gid: 'g',
    steps: [{ action: 'http://127.0.0.1:9/a' }],
    payloads: ['{}'],
  });

  it.each(['own', 'node'] as const)(
    'determines the caller and its role over HTTP: read by %s',
    async (requestReader) => {
      const { url } = await start({ requestReader });
      const [list, submit] = [`${url}/api/v1/transactions`, `${url}/api/dtmsvr/submit`];
      expect(await request(`${url}/healthz`, undefined)).toBe(200);
      expect(await request(list, undefined)).toBe(401);
      expect(await request(list, stranger)).toBe(401);
      expect(await request(list, viewer)).toBe(200);
      expect(await request(submit, viewer, SAGA)).toBe(403);
      expect(await request(list, submitter)).toBe(200);
      expect(await request(submit, submitter, SAGA)).not.toBe(403);
    },
  );

  it.each(['own', 'grpc-js'] as const)('determines the caller over gRPC: %s', async (grpcServer) => {
    const { grpcAddress } = await start({ grpcServer });
    const newGid = (client?: Issued): Promise<number> => {
      const pem = (text: string | undefined) => (text === undefined ? null : Buffer.from(text));
      const credentials = grpc.credentials.createSsl(
        Buffer.from(authority.certificateText),
        pem(client?.keyText),
        pem(client?.certificateText),
      );
      const caller = new grpc.Client(grpcAddress, credentials);
      const same = (bytes: Buffer): Buffer => bytes;
      return new Promise((resolve) => {
        const options = { deadline: Date.now() + 5_000 };
        caller.makeUnaryRequest('/dtmgimp.Dtm/NewGid', same, same, Buffer.alloc(0), options, (error) => {
          caller.close();
          resolve(error === null ? 0 : error.code);
        });
      });
    };
    expect(await newGid()).toBe(grpc.status.UNAUTHENTICATED);
    expect(await newGid(stranger)).toBe(grpc.status.UNAUTHENTICATED);
    expect(await newGid(submitter)).toBe(grpc.status.OK);
  });

  it('has a new principal for the next request after the file has changed', async () => {
    const one = await start();
    const list = `${one.url}/api/v1/transactions`;
    expect(await request(list, stranger)).toBe(401);
    const more = [...PRINCIPALS, { certificate: 'CN:stranger', principal: 's', roles: ['viewer'] }];
    await writeFile(one.config.tlsPrincipals, JSON.stringify(more));
    await one.reload();
    expect(await request(list, stranger)).toBe(200);
  });

  it('is not mapped without authorities of clients', async () => {
    await expect(start({ tlsClientCaFile: '', tlsClientAuth: 'required' })).rejects.toThrow(
      '--tls-principals requires --tls-client-ca-file',
    );
  });
});
