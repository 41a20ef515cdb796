import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ClientTls, connect } from '@holdfast/client';
import { describeWith } from '@holdfast/testing/describe-with';
import { type Issued, TestAuthority } from '@holdfast/testing/servers';
import { TestServer } from '@holdfast/testing/test-server';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Finding } from '../src/doctor/finding.ts';
import { runCli } from './support/run-cli.ts';

/** A fault of a connection, and what its user reads. */
interface Case {
  readonly address: (of: 'http' | 'grpc') => string;
  readonly ca?: () => TestAuthority;
  readonly client?: () => Issued;
  readonly cli: RegExp;
  readonly doctor: RegExp;
  readonly http: RegExp;
  readonly grpc: RegExp;
}

let authority: TestAuthority;
let other: TestAuthority;
let alien: Issued;
let servers: Readonly<Record<'plain' | 'tls' | 'mutual' | 'named' | 'expired', TestServer>>;
const proxy = createServer((_request, response) => response.writeHead(503).end('<html>no server is available'));

beforeAll(async () => {
  [authority, other] = await Promise.all([TestAuthority.create(), TestAuthority.create()]);
  const [own, named, expired, ofOther] = await Promise.all([
    authority.issue(),
    authority.issue({ names: ['DNS:holdfast.example'] }),
    authority.issue({ days: -1 }),
    other.issue(),
  ]);
  alien = ofOther;
  const start = (pair: Issued, more: object = {}): Promise<TestServer> =>
    TestServer.start({ tlsCertFile: pair.certificate, tlsKeyFile: pair.key, ...more });
  servers = {
    plain: await TestServer.start(),
    tls: await start(own),
    mutual: await start(own, { tlsClientCaFile: authority.certificate }),
    named: await start(named),
    expired: await start(expired),
  };
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
});
afterAll(async () => {
  proxy.close();
  for (const server of Object.values(servers)) await server[Symbol.asyncDispose]();
  await Promise.all([authority.remove(), other.remove()]);
});

/** The address of a server, with or without TLS. */
const at =
  (name: keyof typeof servers, isSecure: boolean): Case['address'] =>
  (of) => {
    const { url, running } = servers[name];
    const host = of === 'http' ? new URL(url).host : running.grpcAddress;
    return `${of}${isSecure ? 's' : ''}://localhost:${host?.split(':').at(-1)}`;
  };
const trusted = { ca: () => authority };

const CASES: Readonly<Record<string, Case>> = {
  'no client certificate': {
    ...trusted,
    address: at('mutual', true),
    cli: /^holdfast: a client certificate is required .*--cert-file and --key-file/,
    doctor: /rejects the connection \| a client certificate is required/,
    http: /^a client certificate is required .*tls: \{ cert, key \}/,
    grpc: /may require a client certificate of an authority that it trusts/,
  },
  'a client certificate of another authority': {
    ...trusted,
    client: () => alien,
    address: at('mutual', true),
    cli: /^holdfast: the client certificate is not accepted: UNABLE_TO_VERIFY/,
    doctor: /rejects the connection \| the client certificate is not accepted/,
    http: /^the client certificate is not accepted/,
    grpc: /may require a client certificate/,
  },
  'no TLS to a port with it': {
    address: at('tls', false),
    cli: /^holdfast: this port serves TLS; use https:/,
    doctor: /rejects the connection \| this port serves TLS/,
    http: /^this port serves TLS; use https:/,
    grpc: /may require TLS \(grpcs:/,
  },
  'TLS to a port without it': {
    ...trusted,
    address: at('plain', true),
    cli: /does not use TLS on this port \(ERR_SSL_\w+\): use http:/,
    doctor: /may not use TLS on this port \(\w+\) \| use http:|does not use TLS on this port/,
    http: /TLS: the server does not use TLS on this port.*the scheme and port of the URL/,
    grpc: /was established: (?:wrong version number|packet length too long)\. /,
  },
  'an authority that the client does not know': {
    ca: () => other,
    address: at('tls', true),
    cli: /issued by an unknown authority.*: specify the authority of its certificate with --ca-file$/,
    doctor: /issued by an unknown authority.* \| specify the authority/,
    http: /TLS: the server's certificate is issued by an unknown authority.*the option tls of connect/,
    grpc: /was established: (?:unable to verify the first certificate|unable to get local issuer|self.signed)/,
  },
  'an expired certificate': {
    ...trusted,
    address: at('expired', true),
    cli: /the server's certificate has expired \(CERT_HAS_EXPIRED\): renew it$/,
    doctor: /has expired \(CERT_HAS_EXPIRED\) \| renew it/,
    http: /TLS: the server's certificate has expired/,
    grpc: /was established: certificate has expired\. /,
  },
  'a certificate for another name': {
    ...trusted,
    address: at('named', true),
    cli: /not valid for localhost \(ERR_TLS_CERT_ALTNAME_INVALID\): use a host name that is in the certificate$/,
    doctor: /not valid for localhost .* \| use a host name/,
    http: /TLS: the server's certificate is not valid for localhost/,
    grpc: /was established: Hostname\/IP does not match certificate's altnames/,
  },
  'the page of a proxy': {
    address: (of) => `${of}://localhost:${(proxy.address() as AddressInfo).port}`,
    cli: /^holdfast: a proxy or another program responds at .* \(HTTP 503\)/,
    doctor: /is not a Holdfast coordinator/,
    http: /HTTP 503 of another program, such as a proxy/,
    grpc: /was established: \w+/,
  },
  'the port of the other protocol': {
    address: (of) => at('plain', false)(of === 'http' ? 'grpc' : 'http').replace(/^\w+/, of),
    cli: /does not respond in HTTP\/1\.1: specify the HTTP port/,
    doctor: /does not respond in HTTP\/1\.1 \| specify the HTTP port/,
    http: /does not match the HTTP\/1\.1 protocol.*this is its port for HTTP/,
    grpc: /was established: \w+.*this is its port for gRPC/,
  },
};

function optionsOf({ ca, client }: Case): { readonly args: readonly string[]; readonly tls: ClientTls } {
  const [authorities, pair] = [ca?.(), client?.()];
  return {
    args: [
      ...(authorities === undefined ? [] : ['--ca-file', authorities.certificate]),
      ...(pair === undefined ? [] : ['--cert-file', pair.certificate, '--key-file', pair.key]),
    ],
    tls: {
      ...(authorities !== undefined && { ca: authorities.certificateText }),
      ...(pair !== undefined && { cert: pair.certificateText, key: pair.keyText }),
    },
  };
}

async function errorOf(url: string, tls: ClientTls): Promise<string> {
  const hf = connect(url, { retryForMs: 0, ...(/s:/.test(url) && { tls }) });
  try {
    return `no error: ${JSON.stringify(await hf.list())}`;
  } catch (error) {
    return (error as Error).message;
  } finally {
    await hf.close();
  }
}

describeWith(['openssl'], 'a connection to a coordinator that fails', () => {
  it.each(Object.keys(CASES))('shows its cause: %s', async (name) => {
    const one = CASES[name];
    if (one === undefined) throw new Error(name);
    const { args, tls } = optionsOf(one);
    const url = one.address('http');
    const list = await runCli(['list', '--server', url, ...args]);
    expect(list.exitCode).not.toBe(0);
    expect(list.err[0]).toMatch(one.cli);
    const { out } = await runCli(['doctor', '--server', url, '-o', 'json', ...args]);
    const server = (JSON.parse(out.join('\n')) as Finding[]).find(({ check }) => check === 'server');
    expect([server?.level, `${server?.found} | ${server?.fix}`]).toEqual(['fail', expect.stringMatching(one.doctor)]);
    expect(await errorOf(url, tls)).toMatch(one.http);
    expect(await errorOf(one.address('grpc'), tls)).toMatch(one.grpc);
  });

  it('names the options of a command whose files do not fit', async () => {
    const [http, https] = [at('tls', false)('http'), at('tls', true)('http')];
    const { certificate, key } = alien;
    for (const [server, args, line] of [
      [http, ['--ca-file', authority.certificate], /^holdfast: --ca-file .* need an https:\/\/ URL .*use https:\/\//],
      [https, ['--ca-file', key], /^holdfast: --ca-file .* has no certificate in PEM form/],
      [https, ['--cert-file', certificate, '--key-file', certificate], /^holdfast: --cert-file .* --key-file .*PEM/],
    ] as const) {
      for (const command of ['list', 'doctor']) {
        const { exitCode, err } = await runCli([command, '--server', server, ...args]);
        expect([exitCode, err.at(-1)]).toEqual([2, expect.stringMatching(line)]);
      }
    }
  });

  it('is not that of doctor with a client certificate: its request for anonymous access has none', async () => {
    const { certificate, key } = await authority.issue();
    const folder = await mkdtemp(join(tmpdir(), 'principals-'));
    const principals = join(folder, 'principals.json');
    await writeFile(principals, JSON.stringify([{ certificate: 'DNS:localhost', principal: 'ops', roles: ['admin'] }]));
    const files = { tlsCertFile: certificate, tlsKeyFile: key, tlsClientCaFile: authority.certificate };
    await using server = await TestServer.start({ ...files, tlsClientAuth: 'optional', tlsPrincipals: principals });
    const tls = ['--ca-file', authority.certificate, '--cert-file', certificate, '--key-file', key];
    const { out } = await runCli(['doctor', '-o', 'json', '--server', server.url, ...tls]);
    const found = (JSON.parse(out.join('\n')) as Finding[]).filter(({ check }) => /anonymous|expiry/.test(check));
    expect(found.map(({ check, level, found: text }) => `${check}: ${level}: ${text}`)).toEqual([
      expect.stringMatching(/^anonymous access: ok: \S+ rejects requests without a token$/),
      expect.stringMatching(/^token expiry: ok/),
    ]);
    await rm(folder, { recursive: true });
  });

  it('shows a command without a token how to send one, and that a request that TLS prevents was not sent', async () => {
    await using server = await TestServer.start({ auth: true });
    expect((await runCli(['list', '--server', server.url])).err[0]).toMatch(/--token-file or HOLDFAST_TOKEN/);
    const hf = connect(at('tls', true)('http'), { retryForMs: 0, tls: { ca: other.certificateText } });
    const saga = hf.saga().step({ action: 'http://127.0.0.1:1/a', compensate: null });
    await expect(saga.submit()).rejects.toMatchObject({ outcome: 'not_started' });
    await hf.close();
  });
});
