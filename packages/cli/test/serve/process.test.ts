import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

let folder: string;
const started: ChildProcess[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-serve-'));
});
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});
afterAll(() => rm(folder, { recursive: true }));

function holdfast(...args: string[]) {
  return holdfastIn({}, ...args);
}

function holdfastIn(variables: Readonly<Record<string, string>>, ...args: string[]) {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...variables };
  const child = spawn(process.execPath, [CLI, ...args], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  const output = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.err += chunk.toString()));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return { child, output, ended };
}

/** The URL from the log line that reports readiness. */
async function ready({ child, output, ended }: ReturnType<typeof holdfast>): Promise<string> {
  for (;;) {
    const found = /"url":"([^"]+)"/.exec(output.out);
    if (found !== null) return found[1] ?? '';
    const code = await Promise.race([once(child.stdout ?? child, 'data').then(() => undefined), ended]);
    if (code !== undefined) throw new Error(`it ended with ${code}: ${output.err}`);
  }
}

describe('holdfast serve', () => {
  it('runs until SIGTERM, then ends in an orderly way and keeps what was accepted', async () => {
    const args = ['serve', '--store', 'lmdb:./data', '--http-port', '0'];
    const first = holdfast(...args);
    const url = await ready(first);
    expect(new URL(url).hostname).toBe('127.0.0.1');
    const body = JSON.stringify({ gid: 'kept', trans_type: 'tcc' });
    expect((await fetch(`${url}/api/dtmsvr/prepare`, { method: 'POST', body })).status).toBe(200);
    first.child.kill('SIGTERM');
    expect([await first.ended, first.output.err]).toEqual([0, '']);
    expect(first.output.out).toContain('"msg":"stopped"');
    const second = holdfast(...args);
    const { transaction } = (await (await fetch(`${await ready(second)}/api/dtmsvr/query?gid=kept`)).json()) as {
      transaction: { status: string };
    };
    expect(transaction.status).toBe('prepared');
    second.child.kill('SIGINT');
    expect(await second.ended).toBe(0);
  });

  it('ends in an orderly way at SIGHUP', async () => {
    const run = holdfast('serve', '--store', 'memory:', '--http-port', '0');
    await ready(run);
    run.child.kill('SIGHUP');
    expect(await run.ended).toBe(0);
    expect(run.output.out).toContain('"msg":"stopped"');
  });

  it('ends when it has stopped, also while something in it does not end', async () => {
    const endless = `data:text/javascript,${encodeURIComponent('setInterval(() => {}, 1000)')}`;
    const run = holdfastIn({ NODE_OPTIONS: `--import=${endless}` }, 'serve', '--store', 'memory:', '--http-port', '0');
    await ready(run);
    run.child.kill('SIGTERM');
    expect(await run.ended).toBe(0);
    expect(run.output.out).toContain('"msg":"stopped"');
  });

  it('continues when its log is no longer read, and then ends in an orderly way', async () => {
    const run = holdfast('serve', '--store', 'lmdb:./unread', '--http-port', '0', '--log-level', 'debug');
    const url = await ready(run);
    run.child.stdout.destroy();
    run.child.stderr.destroy();
    const body = JSON.stringify({ gid: 'unread', trans_type: 'tcc' });
    // Each request is a line of the log.
    for (let request = 0; request < 20; request++)
      expect((await fetch(`${url}/api/dtmsvr/prepare`, { method: 'POST', body })).status).toBe(200);
    run.child.kill('SIGTERM');
    expect(await once(run.child, 'exit')).toEqual([0, null]);
  });

  it('does not mistake the variables of a Kubernetes service for its options', async () => {
    const service = { HOLDFAST_HTTP_PORT: 'tcp://10.0.0.1:36789', HOLDFAST_SERVICE_HOST: '10.0.0.1' };
    const run = holdfastIn(service, 'serve', '--store', 'memory:', '--http-port', '0');
    await ready(run);
    run.child.kill('SIGTERM');
    expect(await run.ended).toBe(0);
  });

  it('ends at once at the second signal', async () => {
    const hanging = createServer(() => {});
    await once(hanging.listen(0, '127.0.0.1'), 'listening');
    const run = holdfast(
      'serve',
      '--store',
      'memory:',
      '--http-port',
      '0',
      '--drain-timeout',
      '1h',
      '--request-timeout',
      '10m',
    );
    const url = await ready(run);
    const action = `http://127.0.0.1:${(hanging.address() as AddressInfo).port}/`;
    const called = once(hanging, 'connection');
    const body = JSON.stringify({ gid: 'g', trans_type: 'saga', steps: [{ action }], payloads: ['{}'] });
    await fetch(`${url}/api/dtmsvr/submit`, { method: 'POST', body });
    await called;
    run.child.kill('SIGTERM');
    await once(run.child.stdout, 'data');
    run.child.kill('SIGTERM');
    expect(await run.ended).toBe(1);
    hanging.close();
  });

  it('reports in one line which port is in use and the fix, and does not open the store', async () => {
    const other = createServer();
    await once(other.listen(0, '127.0.0.1'), 'listening');
    const { port } = other.address() as AddressInfo;
    const { ended, output } = holdfast('serve', '--store', 'lmdb:./untouched', '--http-port', String(port));
    expect(await ended).toBe(1);
    other.close();
    expect(output.err).toMatch(new RegExp(`^holdfast: port ${port} on 127\\.0\\.0\\.1 is in use: .*--http-port\\n$`));
    expect(output.out).toBe('');
  });

  it('reports in one line which process has the store open, and exits', async () => {
    const first = holdfast('serve', '--store', 'lmdb:./one', '--http-port', '0');
    await ready(first);
    const second = holdfast('serve', '--store', 'lmdb:./one', '--http-port', '0');
    expect(await second.ended).toBe(1);
    expect(second.output.err).toMatch(/^holdfast: [^\n]*one process at a time[^\n]*\n$/);
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
  });

  it.each([
    [['--host', '0.0.0.0'], '--insecure'],
    [
      ['--store', 'sqlite:./x'],
      '"sqlite" is not a store; use one of memory:, lmdb:DIRECTORY, postgres://HOST/DATABASE',
    ],
    [['--store', 'etcd://user:s3cret@host/db'], '"etcd" is not a store'],
    [['--no-dtm-get-commands', '--store', 'x'], '"x" is not a store'],
    [['--store', 'postgres://user:s3cret@127.0.0.1:1/db'], 'PostgreSQL at 127.0.0.1:1/db cannot be used'],
    [['--store', 'mysql://user:s3cret@127.0.0.1:1/db'], 'the database at 127.0.0.1:1/db cannot be used'],
    [['--store', 'redis://user:s3cret@127.0.0.1:1/0'], 'Redis at 127.0.0.1:1 cannot be used'],
    [['--store', 'lmdb:'], 'requires a directory'],
    [['--workers', '4', '--store', 'memory:'], 'cannot be shared'],
    [['--retention', 'soon'], '--retention: must be a time'],
    [['--config', 'nowhere.yaml'], 'cannot be read'],
  ])('rejects %j in one line', async (args, reason) => {
    const { ended, output } = holdfast('serve', '--http-port', '0', ...args);
    expect(await ended).toBe(1);
    expect(output.err).toMatch(/^holdfast: [^\n]*\n$/);
    expect(output.err).toContain(reason);
    expect(output.err).not.toContain('s3cret');
  });

  it('exits with code 2 for an unknown command', async () => {
    const { ended, output } = holdfast('sevre');
    expect(await ended).toBe(2);
    expect(output.err).toContain('Did you mean serve?');
  });

  it('logs once that gRPC is not served, if its port is configured', async () => {
    const run = holdfast('serve', '--store', 'memory:', '--http-port', '0', '--grpc-port', '50051');
    await ready(run);
    run.child.kill('SIGTERM');
    await run.ended;
    expect(run.output.out.match(/gRPC is not served/g)).toHaveLength(1);
  });

  it('shows every option with its variable and default', async () => {
    const { ended, output } = holdfast('serve', '--help');
    expect(await ended).toBe(0);
    expect(output.out).toContain('--http-port <value>');
    expect(output.out.replaceAll(/\s+/g, ' ')).toContain('(default: 36789, env: HOLDFAST_HTTP_PORT)');
  });

  it('is listed with the operator commands', async () => {
    const { ended, output } = holdfast('--help');
    expect(await ended).toBe(0);
    for (const command of ['serve', 'list', 'show', 'retry', 'topics']) expect(output.out).toContain(command);
    const wrong = holdfast('serve', '--colour');
    expect(await wrong.ended).toBe(2);
  });
});
