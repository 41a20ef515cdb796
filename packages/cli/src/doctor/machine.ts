import { textOfThrown } from '@holdfast/protocol';
import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { type Check, fail, type Finding, ok, warn } from './finding.ts';

const FEWEST_FILES = 1_024;
const ENOUGH_FILES = 8_192;
const LEAST_NODE = [20, 19] as const;

/** Checks the version of Node.js. */
export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const enough = major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1]);
  if (enough) return ok('node', version);
  return fail('node', `${version} is too old`, `install Node.js ${LEAST_NODE.join('.')} or later`);
}

/**
 * Checks how many files and sockets a process may have open: each connection of a client and to a
 * branch counts.
 */
export function checkFileLimit(limit: number | undefined): Finding {
  if (limit === undefined)
    return warn('file limit', 'unknown on this system', 'make sure that a process may open 8192 files');
  const fix = `raise it: "ulimit -n 65536", LimitNOFILE= in systemd, --ulimit nofile= in Docker`;
  if (limit < FEWEST_FILES) return fail('file limit', `${limit} open files`, fix);
  if (limit < ENOUGH_FILES) return warn('file limit', `${limit} open files, which is low for many connections`, fix);
  return ok('file limit', limit === Infinity ? 'unlimited' : `${limit} open files`);
}

/** The soft limit of open files of this process, which its children inherit. */
export function fileLimit(): number | undefined {
  const report: unknown = process.report.getReport();
  const soft = (report as { userLimits?: { open_files?: { soft?: number | string } } }).userLimits?.open_files?.soft;
  if (soft === 'unlimited') return Infinity;
  return typeof soft === 'number' ? soft : undefined;
}

/** Checks whether a coordinator, with or without TLS, could listen on the port. */
export const portCheck = (host: string, port: number, hasTls: boolean): Check => ({
  name: `port ${port}`,
  async run() {
    const name = `port ${port}`;
    const probe = createServer();
    try {
      probe.listen(port, host);
      await once(probe, 'listening');
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : textOfThrown(error);
      if (code !== 'EADDRINUSE')
        return [fail(name, `${host} is not available for listening: ${code}`, 'choose another --host or --http-port')];
      return [
        (await isCoordinator(host, port, hasTls))
          ? ok(name, 'a coordinator is running there')
          : fail(name, 'another program is listening there', 'stop it, or choose another --http-port'),
      ];
    }
    probe.close();
    await once(probe, 'close');
    return [ok(name, 'free')];
  },
});

async function isCoordinator(host: string, port: number, hasTls: boolean): Promise<boolean> {
  const signal = AbortSignal.timeout(2_000);
  // Nothing secret is sent, and the certificate is for the name that clients use.
  const options = { host, port, path: '/api/ping', signal, agent: false, rejectUnauthorized: false };
  try {
    const request = (hasTls ? https : http).get(options);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return (await text(response)).includes('pong');
  } catch {
    return false;
  }
}
