import { BRANCH_RESPONSE } from './branch-service.ts';

/** PEM files of a certificate and its key. */
export interface ServerFiles {
  readonly certificate: string;
  readonly key: string;
}

/**
 * A configuration with one worker that responds without logging and writes only below `folder`.
 *
 * @param tls absent: without TLS
 */
export function nginxConfig(folder: string, port: number, tls?: ServerFiles): string {
  const secure =
    tls === undefined ? '' : `ssl_certificate ${tls.certificate};\n    ssl_certificate_key ${tls.key};\n    `;
  const temporaryPaths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `worker_processes 1;
daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log warn;
events {
  worker_connections 8192;
}
http {
  access_log off;
  server_tokens off;
  default_type application/json;
  keepalive_timeout 1h;
  keepalive_requests 1000000000;
${temporaryPaths.map((name) => `  ${name}_temp_path ${folder}/${name};`).join('\n')}
  server {
    listen 127.0.0.1:${port}${tls === undefined ? '' : ' ssl'} backlog=4096;
    ${secure}location / {
      return 200 '${BRANCH_RESPONSE}';
    }
  }
}
`;
}
