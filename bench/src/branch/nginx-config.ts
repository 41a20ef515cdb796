import { BRANCH_RESPONSE } from './branch-service.ts';

/** A configuration with one worker that responds without logging and writes only below `folder`. */
export function nginxConfig(folder: string, port: number): string {
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
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      return 200 '${BRANCH_RESPONSE}';
    }
  }
}
`;
}
