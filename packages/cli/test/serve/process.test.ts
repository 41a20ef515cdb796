import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HoldfastProcess } from '@holdfast/testing/holdfast-process';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

let folder: string;
const started: HoldfastProcess[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-serve-'));
});
afterEach(() => {
  for (const run of started.splice(0)) void run.kill();
});
afterAll(() => rm(folder, { recursive: true }));

function holdfast(...args: string[]): HoldfastProcess {
  return holdfastIn({}, ...args);
}

function holdfastIn(env: Readonly<Record<string, string>>, ...args: string[]): HoldfastProcess {
  const run = new HoldfastProcess(args, { cwd: folder, env });
  started.push(run);
  return run;
}

describe('holdfast serve', () => {
  it('runs until SIGTERM, then ends in an orderly way and keeps what was accepted', async () => {
    const args = ['serve', '--store', 'lmdb:./data', '--http-port', '0'];
    const first = holdfast(...args);
    const url = await first.ready();
    expect(new URL(url).hostname).toBe('127.0.0.1');
    const body = JSON.stringify({ gid: 'kept', trans_type: 'tcc' });
    expect((await fetch(`${url}/api/dtmsvr/prepare`, { method: 'POST', body })).status).toBe(200);
    first.child.kill('SIGTERM');
    expect([await first.ended, first.err]).toEqual([0, '']);
    expect(first.out).toContain('"msg":"stopped"');
    const second = holdfast(...args);
    const { transaction } = (await (await fetch(`${await second.ready()}/api/dtmsvr/query?gid=kept`)).json()) as {
      transaction: { status: string };
    };
    expect(transaction.status).toBe('prepared');
    expect(await second.stop('SIGINT')).toBe(0);
  });

  it("logs what each setting of dtm's file and environment became, without passwords", async () => {
    await writeFile(join(folder, 'conf.yml'), 'RetryInterval: 15\nStore:\n  Password: hidden-word\n');
    const env = { TIMEOUT_TO_FAIL: '50', STORE_USER: 'someone' };
    const dtm = ['--dtm-config', 'conf.yml', '--dtm-env'];
    const run = holdfastIn(env, 'serve', '--store', 'memory:', '--http-port', '0', ...dtm);
    await run.ready();
    expect(await run.stop()).toBe(0);
    expect(run.out).toContain('"msg":"RetryInterval in conf.yml: 15 becomes --retry-interval 15s"');
    expect(run.out).toContain('"msg":"TIMEOUT_TO_FAIL: 50 becomes --timeout-to-fail 50s"');
    expect(run.out).toContain('"msg":"Store.Password in conf.yml is ignored: --store is given"');
    expect(run.out + run.err).not.toContain('hidden-word');
  });

  it('ends in an orderly way at SIGHUP', async () => {
    const run = holdfast('serve', '--store', 'memory:', '--http-port', '0');
    await run.ready();
    expect(await run.stop('SIGHUP')).toBe(0);
    expect(run.out).toContain('"msg":"stopped"');
  });

  it('ends when it has stopped, also while something in it does not end', async () => {
    const endless = `data:text/javascript,${encodeURIComponent('setInterval(() => {}, 1000)')}`;
    const run = holdfastIn({ NODE_OPTIONS: `--import=${endless}` }, 'serve', '--store', 'memory:', '--http-port', '0');
    await run.ready();
    expect(await run.stop()).toBe(0);
    expect(run.out).toContain('"msg":"stopped"');
  });

  it('continues when its log is no longer read, and then ends in an orderly way', async () => {
    const run = holdfast('serve', '--store', 'lmdb:./unread', '--http-port', '0', '--log-level', 'debug');
    const url = await run.ready();
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
    await run.ready();
    expect(await run.stop()).toBe(0);
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
    const url = await run.ready();
    const action = `http://127.0.0.1:${(hanging.address() as AddressInfo).port}/`;
    const called = once(hanging, 'connection');
    const body = JSON.stringify({ gid: 'g', trans_type: 'saga', steps: [{ action }], payloads: ['{}'] });
    await fetch(`${url}/api/dtmsvr/submit`, { method: 'POST', body });
    await called;
    run.child.kill('SIGTERM');
    await once(run.child.stdout, 'data');
    expect(await run.stop()).toBe(1);
    hanging.close();
  });

  it('reports in one line which port is in use and the fix, and does not open the store', async () => {
    const other = createServer();
    await once(other.listen(0, '127.0.0.1'), 'listening');
    const { port } = other.address() as AddressInfo;
    const run = holdfast('serve', '--store', 'lmdb:./untouched', '--http-port', String(port));
    expect(await run.ended).toBe(1);
    other.close();
    expect(run.err).toMatch(new RegExp(`^holdfast: port ${port} on 127\\.0\\.0\\.1 is in use: .*--http-port\\n$`));
    expect(run.out).toBe('');
  });

  it('reports in one line which process has the store open, and exits', async () => {
    const first = holdfast('serve', '--store', 'lmdb:./one', '--http-port', '0');
    await first.ready();
    const second = holdfast('serve', '--store', 'lmdb:./one', '--http-port', '0');
    expect(await second.ended).toBe(1);
    expect(second.err).toMatch(/^holdfast: [^\n]*one process at a time[^\n]*\n$/);
    expect(await first.stop()).toBe(0);
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
    const run = holdfast('serve', '--http-port', '0', ...args);
    expect(await run.ended).toBe(1);
    expect(run.err).toMatch(/^holdfast: [^\n]*\n$/);
    expect(run.err).toContain(reason);
    expect(run.err).not.toContain('s3cret');
  });

  it('exits with code 2 for an unknown command', async () => {
    const run = holdfast('sevre');
    expect(await run.ended).toBe(2);
    expect(run.err).toContain('Did you mean serve?');
  });

  it('names a gRPC port that is in use, and the option that chooses another', async () => {
    const first = holdfast('serve', '--store', 'memory:', '--http-port', '0');
    await first.ready();
    const [, port = ''] = /"grpc":"127\.0\.0\.1:(\d+)"/.exec(first.out) ?? [];
    const second = holdfast('serve', '--store', 'memory:', '--http-port', '0', '--grpc-port', port);
    expect(await second.ended).toBe(1);
    expect(second.err).toContain(`port ${port} on 127.0.0.1 is in use`);
    expect(second.err).toContain('--grpc-port');
  });

  it('shows every option with its variable and default', async () => {
    const run = holdfast('serve', '--help');
    expect(await run.ended).toBe(0);
    expect(run.out).toContain('--http-port <value>');
    expect(run.out.replaceAll(/\s+/g, ' ')).toContain('(default: 36789, env: HOLDFAST_HTTP_PORT)');
  });

  it('is listed with the operator commands', async () => {
    const run = holdfast('--help');
    expect(await run.ended).toBe(0);
    for (const command of ['serve', 'list', 'show', 'retry', 'topics']) expect(run.out).toContain(command);
    const wrong = holdfast('serve', '--colour');
    expect(await wrong.ended).toBe(2);
  });
});
