import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { responds, type Child, locate, startChild, untilReady } from '@holdfast/testing/servers';

const CONF = fileURLToPath(new URL('../../../deploy/nginx/holdfast.conf', import.meta.url));
const TLS_CONF = fileURLToPath(new URL('../../../deploy/nginx/holdfast-tls.conf', import.meta.url));
const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
const START_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 5_000;

/**
 * The lines that an administrator has to change, and the only ones: each occurs once in the file
 * and ends in `# here`.
 */
const LINES = ['server holdfast-a:36789 ', 'server holdfast-b:36789 ', 'listen 36789;'] as const;

/**
 * `deploy/nginx/holdfast.conf` with other addresses. Throws when the lines marked `# here` are not
 * exactly those above.
 */
export async function confFor(port: number, nodePorts: readonly [number, number]): Promise<string> {
  const text = await readFile(CONF, 'utf8');
  const marked = text.split('\n').filter((line) => line.endsWith('# here'));
  if (marked.length !== LINES.length || LINES.some((line, i) => !marked[i]?.includes(line)))
    throw new Error(`the lines marked in ${CONF} are not those that the test changes:\n${marked.join('\n')}`);
  const [a, b, listen] = LINES;
  return text
    .replace(a, `server 127.0.0.1:${nodePorts[0]} `)
    .replace(b, `server 127.0.0.1:${nodePorts[1]} `)
    .replace(listen, `listen 127.0.0.1:${port};`);
}

/**
 * The same with the part for gRPC, whose lines are comments in the file. The ports are those of
 * gRPC; nothing is behind the part for HTTP.
 */
export async function grpcConfFor(
  port: number,
  httpPort: number,
  nodePorts: readonly [number, number],
): Promise<string> {
  const text = await confFor(httpPort, [1, 1]);
  const [from, to] = [text.indexOf('# upstream holdfast_grpc'), text.indexOf('\nserver {')];
  const [a, b, listen] = ['server holdfast-a:36790 ', 'server holdfast-b:36790 ', 'listen 36790 '];
  const part = text.slice(from, to).replaceAll(/^# ?/gm, '');
  if (from < 0 || ![a, b, listen].every((line) => part.includes(line)))
    throw new Error(`the part for gRPC in ${CONF} is not the one that the test changes`);
  const changed = part
    .replace(a, `server 127.0.0.1:${nodePorts[0]} `)
    .replace(b, `server 127.0.0.1:${nodePorts[1]} `)
    .replace(listen, `listen 127.0.0.1:${port} `);
  return text.slice(0, from) + changed + text.slice(to);
}

/** The lines for TLS that an administrator has to change as well. */
const TLS_LINES = [
  'listen 36789 ssl;',
  'ssl_certificate /etc/nginx/tls/tls.crt;',
  'ssl_certificate_key /etc/nginx/tls/tls.key;',
  'proxy_ssl_trusted_certificate /etc/nginx/tls/ca.crt;',
  'proxy_ssl_name holdfast.internal;',
] as const;
const TLS_FOLDER = '/etc/nginx/tls/';

/** `deploy/nginx/holdfast-tls.conf` with other addresses, and the files of this folder. */
export async function tlsConfFor(
  port: number,
  nodePorts: readonly [number, number],
  tlsFolder: string,
): Promise<string> {
  const text = await readFile(TLS_CONF, 'utf8');
  const marked = text.split('\n').filter((line) => line.endsWith('# here'));
  const lines = [...LINES.slice(0, 2), ...TLS_LINES];
  if (marked.length !== lines.length || lines.some((line, i) => !marked[i]?.includes(line)))
    throw new Error(`the lines marked in ${TLS_CONF} are not those that the test changes:\n${marked.join('\n')}`);
  return text
    .replace(LINES[0], `server 127.0.0.1:${nodePorts[0]} `)
    .replace(LINES[1], `server 127.0.0.1:${nodePorts[1]} `)
    .replace(TLS_LINES[0], `listen 127.0.0.1:${port} ssl;`)
    .replaceAll(TLS_FOLDER, `${tlsFolder}/`);
}

/** `deploy/nginx/holdfast-tls.conf` without everything that concerns TLS, and without comments. */
export async function withoutTls(): Promise<readonly string[]> {
  const text = await readFile(TLS_CONF, 'utf8');
  return codeOf(
    text
      .replaceAll(/^#? *(?:\w+_)?ssl_\w+ .*\n/gm, '')
      .replaceAll(/(listen \d+) ssl/g, '$1')
      .replaceAll('https://', 'http://')
      .replaceAll('grpcs://', 'grpc://'),
  );
}

export const plainConf = async (): Promise<readonly string[]> => codeOf(await readFile(CONF, 'utf8'));

/** The directives, also those of the part for gRPC, which are comments. */
const codeOf = (text: string): readonly string[] =>
  text
    .split('\n')
    .map((line) => line.replace(/ *# here$/, '').trim())
    .filter((line) => line !== '' && (!line.startsWith('#') || /[;{}]$/.test(line)));

/** A private nginx that runs the configuration in front of two coordinators. */
export class Nginx {
  readonly url: string;
  readonly #folder: string;
  readonly #child: Child;

  private constructor(url: string, folder: string, child: Child) {
    this.url = url;
    this.#folder = folder;
    this.#child = child;
  }

  static async start(port: number, nodePorts: readonly [number, number]): Promise<Nginx> {
    return Nginx.#run(port, await confFor(port, nodePorts), () => responds(`http://127.0.0.1:${port}/healthz`));
  }

  /** With TLS on both sides; the folder contains ca.crt, tls.crt and tls.key. */
  static async startTls(port: number, nodePorts: readonly [number, number], tlsFolder: string): Promise<Nginx> {
    const conf = await tlsConfFor(port, nodePorts, tlsFolder);
    // nginx responds in plain HTTP that the port has TLS.
    return Nginx.#run(port, conf, async () => {
      const response = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
      return response?.status === 400;
    });
  }

  /** With gRPC at `port`. */
  static async startGrpc(port: number, httpPort: number, nodePorts: readonly [number, number]): Promise<Nginx> {
    const conf = await grpcConfFor(port, httpPort, nodePorts);
    // nginx itself responds to this path.
    const metrics = `http://127.0.0.1:${httpPort}/api/metrics`;
    return Nginx.#run(httpPort, conf, async () => {
      const response = await fetch(metrics).catch(() => undefined);
      return response?.status === 404;
    });
  }

  static async #run(port: number, conf: string, isReady: () => Promise<boolean>): Promise<Nginx> {
    const program = locate('nginx', ['/usr/sbin']);
    if (program === undefined) throw new Error('nginx is not installed');
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-nginx-'));
    await writeFile(join(folder, 'holdfast.conf'), conf);
    const main = join(folder, 'nginx.conf');
    await writeFile(main, mainConf(folder));
    const child = startChild(program, ['-p', folder, '-e', 'stderr', '-c', main]);
    await untilReady(child, isReady, START_TIMEOUT_MS);
    return new Nginx(`http://127.0.0.1:${port}`, folder, child);
  }

  /** nginx's log: warnings and errors. */
  get log(): string {
    return this.#child.output();
  }

  async stop(): Promise<void> {
    await this.#child.stop('SIGTERM', STOP_TIMEOUT_MS);
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** The main configuration that distributions ship; it includes the files of conf.d. */
const mainConf = (folder: string): string => `worker_processes 1;
daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log stderr error;
events {
  worker_connections 1024;
}
http {
  access_log off;
${TEMPORARY.map((name) => `  ${name}_temp_path ${folder}/${name};`).join('\n')}
  include ${folder}/holdfast.conf;
}
`;
