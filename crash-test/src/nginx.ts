import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { locate } from '@holdfast/test-servers';
import { ended, ownChild } from './process-end.ts';

/** A running nginx in front of coordinators. */
export interface Nginx {
  stop(): Promise<void>;
}

/**
 * Starts nginx on a port. Throws when it is not installed.
 *
 * Whoever is asked next when a coordinator does not answer depends on what nginx knows: a request that was not sent to the first (nobody listens there) goes
 * to another; one that was sent and not answered may have been carried out, so that a POST is not repeated here, but answered with 502 or 504. Repeating it
 * would be harmless, since every call of the protocol is known by its gid; but it is for the client to know that the first answer was lost.
 */
export function startNginx(folder: string, port: number, coordinatorPorts: readonly number[]): Nginx {
  const program = locate('nginx', ['/usr/sbin', '/usr/local/sbin']);
  if (program === undefined) throw new Error('nginx is not installed');
  const home = join(folder, 'nginx');
  mkdirSync(home);
  const configPath = join(home, 'nginx.conf');
  writeFileSync(configPath, nginxConfig(home, port, coordinatorPorts));
  const child = spawn(program, ['-p', home, '-e', join(home, 'error.log'), '-c', configPath], { stdio: 'ignore' });
  ownChild(child);
  return {
    async stop() {
      child.kill('SIGKILL');
      await ended(child);
    },
  };
}

/** Everything it writes lies below `home`. */
function nginxConfig(home: string, port: number, coordinatorPorts: readonly number[]): string {
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
  upstream coordinators {
${coordinatorPorts.map((one) => `    server 127.0.0.1:${one} max_fails=1 fail_timeout=1s;`).join('\n')}
    keepalive 64;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    client_body_buffer_size 1m;
    location / {
      proxy_pass http://coordinators;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_connect_timeout 1s;
      proxy_read_timeout 4s;
      proxy_next_upstream error timeout;
    }
  }
}
`;
}
