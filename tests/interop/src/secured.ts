import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createDataFolder,
  freePort,
  locate,
  removeDataFolder,
  responds,
  runChild,
  startChild,
  TestAuthority,
  untilReady,
} from '@holdfast/testing/servers';
import { CLI, startHoldfast } from './holdfast.ts';
import type { Started, Stoppable } from './started.ts';
import type { SecuredTargets } from './suite.ts';

const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;
/** Where the participants of the cases are. */
const BRANCH_TARGETS = ['--branch-targets', '127.0.0.0/8,localhost in 127.0.0.0/8'];

/**
 * Starts a coordinator with authentication, another one that also has TLS, and in front of the
 * second an nginx that adds both. Resolves to undefined if openssl or nginx is not installed.
 */
export async function startSecured(started: Started): Promise<SecuredTargets | undefined> {
  const nginx = locate('nginx', ['/usr/sbin', '/usr/local/sbin']);
  if (locate('openssl') === undefined || nginx === undefined) return undefined;
  const folder = await createDataFolder('secured', undefined);
  started.add({ stop: () => removeDataFolder(folder) });
  const authority = await TestAuthority.create();
  started.add({ stop: () => authority.remove() });
  const { certificate, key } = await authority.issue();

  const token = (await runChild(process.execPath, [CLI, 'token', 'generate'])).trim();
  const tokenFile = join(folder, 'bootstrap.token');
  await writeFile(tokenFile, token, { mode: 0o600 });
  const auth = ['--auth', '--bootstrap-token-file', tokenFile, ...BRANCH_TARGETS];
  const open = started.add(await startHoldfast(auth));
  const tls = started.add(
    await startHoldfast([...auth, '--tls-cert-file', certificate, '--tls-key-file', key], authority.certificateText),
  );
  const proxy = { http: await freePort(), grpc: await freePort() };
  const config = join(folder, 'nginx.conf');
  await writeFile(config, nginxConfig({ folder, proxy, tls, token, ca: authority.certificate }), { mode: 0o600 });
  started.add(await startNginx(nginx, folder, config, `http://127.0.0.1:${proxy.http}/healthz`));
  return {
    token,
    ca: authority.certificate,
    url: open.url,
    grpc: open.grpcAddress,
    tlsUrl: tls.url,
    tlsGrpc: tls.grpcAddress,
    proxyUrl: `http://127.0.0.1:${proxy.http}`,
    proxyGrpc: `127.0.0.1:${proxy.grpc}`,
  };
}

async function startNginx(program: string, folder: string, config: string, health: string): Promise<Stoppable> {
  const child = startChild(program, ['-p', folder, '-e', join(folder, 'error.log'), '-c', config], { cwd: folder });
  const stop = async (): Promise<void> => {
    await child.stop('SIGQUIT', STOP_TIMEOUT_MS);
  };
  try {
    await untilReady(child, () => responds(health), READY_TIMEOUT_MS);
  } catch (error) {
    await stop();
    throw error;
  }
  return { stop };
}

interface Config {
  readonly folder: string;
  readonly proxy: { readonly http: number; readonly grpc: number };
  readonly tls: { readonly url: string; readonly grpcAddress: string };
  readonly token: string;
  readonly ca: string;
}

/** An nginx on the client's machine, which adds the token and TLS. */
function nginxConfig({ folder, proxy, tls, token, ca }: Config): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const verified = (kind: string): string =>
    `${kind}_ssl_verify on; ${kind}_ssl_trusted_certificate ${ca}; ${kind}_ssl_name localhost; ${kind}_ssl_server_name on;`;
  return `daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events {}
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  server {
    listen 127.0.0.1:${proxy.http};
    location / {
      proxy_pass ${tls.url};
      proxy_set_header Authorization "Bearer ${token}";
      ${verified('proxy')}
    }
  }
  server {
    listen 127.0.0.1:${proxy.grpc} http2;
    location / {
      grpc_pass grpcs://${tls.grpcAddress};
      grpc_set_header Authorization "Bearer ${token}";
      ${verified('grpc')}
    }
  }
}
`;
}

/** The variables by which the programs of cases find what `startSecured` has started. */
export function securedEnvironment(secured: SecuredTargets | undefined): Readonly<Record<string, string>> {
  if (secured === undefined) return {};
  return {
    INTEROP_TOKEN: secured.token,
    INTEROP_TOKEN_TARGET: secured.url,
    INTEROP_TOKEN_GRPC_TARGET: secured.grpc,
    INTEROP_TLS_TARGET: secured.tlsUrl,
    INTEROP_TLS_GRPC_TARGET: secured.tlsGrpc,
    INTEROP_PROXY_TARGET: secured.proxyUrl,
    INTEROP_PROXY_GRPC_TARGET: secured.proxyGrpc,
    // Go and Python find the authority by these; the cases of the other clients read it.
    INTEROP_CA: secured.ca,
    SSL_CERT_FILE: secured.ca,
    REQUESTS_CA_BUNDLE: secured.ca,
  };
}
