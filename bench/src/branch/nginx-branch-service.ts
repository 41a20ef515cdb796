import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '@holdfast/testing/servers';
import type { Cleanup } from '../processes/cleanup.ts';
import { installedVersion } from '../processes/installed.ts';
import { hasEnded, own, stop } from '../processes/owned.ts';
import { waitForOk } from '../processes/wait-for.ts';
import type { BranchService } from './branch-service.ts';
import { nginxConfig, type ServerFiles } from './nginx-config.ts';

const START_TIMEOUT_MS = 10_000;

/** Path and version of nginx, which is often installed only on root's PATH. */
export function findNginx(): { readonly path: string; readonly version: string } | undefined {
  for (const path of ['nginx', '/usr/sbin/nginx', '/usr/local/sbin/nginx']) {
    const version = installedVersion(path, ['-v'], /nginx\/(\S+)/);
    if (version !== undefined) return { path, version };
  }
  return undefined;
}

/** Starts a private nginx, which writes its files into `folder`; with `tls` it serves https. */
export async function startNginx(
  { path, version }: { readonly path: string; readonly version: string },
  folder: string,
  cleanup: Cleanup,
  tls?: ServerFiles & { readonly authority: string },
): Promise<BranchService> {
  const home = join(folder, 'nginx');
  mkdirSync(home);
  const port = await freePort();
  const configPath = join(home, 'nginx.conf');
  const errorLog = join(home, 'error.log');
  writeFileSync(configPath, nginxConfig(home, port, tls));
  const child = spawn(path, ['-p', home, '-e', errorLog, '-c', configPath], { stdio: 'ignore' });
  own(child);
  cleanup.add(() => stop(child));
  const origin = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
  const failed = (): string | undefined =>
    hasEnded(child) ? `nginx exited unexpectedly: ${readFileSync(errorLog, 'utf8').trim()}` : undefined;
  await waitForOk(origin, START_TIMEOUT_MS, failed, tls?.authority);
  return { name: `nginx ${version}`, origin, pid: child.pid ?? 0 };
}
