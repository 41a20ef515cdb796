import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { locate } from '@holdfast/testing/servers';
import { ended, ownChild } from './process-end.ts';

/** What Holdfast recommends to put in front of its coordinators. */
const RECOMMENDED = fileURLToPath(new URL('../../../deploy/nginx/holdfast.conf', import.meta.url));

/** A running nginx in front of coordinators. */
export interface Nginx {
  stop(): Promise<void>;
}

/** The ports of a coordinator, or of nginx. */
export interface Ports {
  readonly http: number;
  readonly grpc: number;
}

/** PEM files of nginx: its certificate, and the authority of the coordinators' certificates. */
export interface NginxTls {
  readonly certificate: string;
  readonly key: string;
  readonly ca: string;
}

/**
 * Starts nginx on these ports. Throws when it is not installed.
 *
 * @param tls towards clients and coordinators; undefined: without TLS
 */
export function startNginx(folder: string, ports: Ports, coordinators: readonly Ports[], tls?: NginxTls): Nginx {
  const program = locate('nginx', ['/usr/sbin', '/usr/local/sbin']);
  if (program === undefined) throw new Error('nginx is not installed');
  const home = join(folder, 'nginx');
  mkdirSync(home);
  const configPath = join(home, 'nginx.conf');
  const recommended = readFileSync(RECOMMENDED, 'utf8');
  const config = withAddresses(recommended, ports, coordinators);
  writeFileSync(configPath, around(home, tls === undefined ? config : withTls(config, tls)));
  const child = spawn(program, ['-p', home, '-e', join(home, 'error.log'), '-c', configPath], { stdio: 'ignore' });
  ownChild(child);
  return {
    async stop() {
      child.kill('SIGKILL');
      await ended(child);
    },
  };
}

/**
 * The recommended file with its part for gRPC, this nginx's ports and these coordinators, and
 * nothing else changed. Throws when it has no such lines.
 */
export function withAddresses(recommended: string, ports: Ports, coordinators: readonly Ports[]): string {
  const [http, grpc] = (['http', 'grpc'] as const).map((name) => coordinators.map((one) => one[name]));
  const config = withGrpc(recommended);
  return withPorts(withPorts(config, 36789, ports.http, http ?? []), 36790, ports.grpc, grpc ?? []);
}

/** Removes the `# ` in front of the part for gRPC, as the file advises. */
function withGrpc(recommended: string): string {
  const [from, to] = [recommended.indexOf('# upstream holdfast_grpc'), recommended.indexOf('\nserver {')];
  if (from < 0 || to < from) throw new Error(`${RECOMMENDED} has no part for gRPC`);
  return recommended.slice(0, from) + recommended.slice(from, to).replaceAll(/^# ?/gm, '') + recommended.slice(to);
}

/** Replaces one of the two ports: the line of `listen`, and the lines of the coordinators. */
function withPorts(config: string, from: number, port: number, coordinatorPorts: readonly number[]): string {
  const address = `holdfast-\\w+:${from}`;
  const [first, ...others] = config.match(new RegExp(`^ *server ${address}( .*)$`, 'gm')) ?? [];
  const listen = new RegExp(`^( *listen) ${from}( http2)?;.*$`, 'm');
  if (first === undefined || !listen.test(config)) throw new Error(`${RECOMMENDED} has no addresses to change`);
  const servers = coordinatorPorts.map((one) => first.replace(new RegExp(address), `127.0.0.1:${one}`)).join('\n');
  return others
    .reduce((text, other) => text.replace(`${other}\n`, ''), config)
    .replace(first, servers)
    .replace(listen, `$1 127.0.0.1:${port} backlog=4096$2;`);
}

/**
 * The file with TLS on both sides, as docs/security.md describes it. Throws when it has no lines to
 * change.
 */
export function withTls(config: string, { certificate, key, ca }: NginxTls): string {
  const changed = config
    .replaceAll(/^( *listen .*);$/gm, '$1 ssl;')
    .replaceAll('proxy_pass http://', 'proxy_pass https://')
    .replaceAll('grpc_pass grpc://', 'grpc_pass grpcs://');
  const counts = [/ ssl;$/gm, /proxy_pass https:/g, /grpc_pass grpcs:/g].map((one) => changed.match(one)?.length ?? 0);
  if (counts[0] !== 2 || counts.includes(0)) throw new Error(`${RECOMMENDED} has no lines to change for TLS`);
  const towardsCoordinators = ['proxy', 'grpc'].map(
    (kind) => `${kind}_ssl_verify on;
${kind}_ssl_trusted_certificate ${ca};
${kind}_ssl_name localhost;
${kind}_ssl_server_name on;`,
  );
  return [`ssl_certificate ${certificate};`, `ssl_certificate_key ${key};`, ...towardsCoordinators, changed].join('\n');
}

/**
 * What nginx needs around a file that it would find in `conf.d`; everything it writes lies below
 * `home`.
 */
function around(home: string, config: string): string {
  const temporaryPaths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `worker_processes 1;
daemon off;
master_process off;
pid ${home}/nginx.pid;
error_log ${home}/error.log warn;
events {
  worker_connections 4096;
}
http {
  access_log off;
${temporaryPaths.map((name) => `  ${name}_temp_path ${home}/${name};`).join('\n')}
${config}
}
`;
}
