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

/** Starts nginx on a port. Throws when it is not installed. */
export function startNginx(folder: string, port: number, coordinatorPorts: readonly number[]): Nginx {
  const program = locate('nginx', ['/usr/sbin', '/usr/local/sbin']);
  if (program === undefined) throw new Error('nginx is not installed');
  const home = join(folder, 'nginx');
  mkdirSync(home);
  const configPath = join(home, 'nginx.conf');
  const recommended = readFileSync(RECOMMENDED, 'utf8');
  writeFileSync(configPath, around(home, withAddresses(recommended, port, coordinatorPorts)));
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
 * The recommended file with this nginx's port and these coordinators, and nothing else changed.
 * Throws when it has no such lines.
 */
export function withAddresses(recommended: string, port: number, coordinatorPorts: readonly number[]): string {
  const server = /^ *server holdfast-\w+:36789( .*)$/gm;
  const [first, ...others] = recommended.match(server) ?? [];
  const listen = /^ *listen 36789;.*$/m;
  if (first === undefined || !listen.test(recommended)) throw new Error(`${RECOMMENDED} has no addresses to change`);
  const servers = coordinatorPorts.map((one) => first.replace(/holdfast-\w+:36789/, `127.0.0.1:${one}`)).join('\n');
  return others
    .reduce((text, other) => text.replace(`${other}\n`, ''), recommended)
    .replace(first, servers)
    .replace(listen, `  listen 127.0.0.1:${port} backlog=4096;`);
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
