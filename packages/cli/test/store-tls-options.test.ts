import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeWith } from '@holdfast/testing/describe-with';
import { makeCertificate, startPostgres, startRedis, TestAuthority } from '@holdfast/testing/servers';
import { expect, it, onTestFinished } from 'vitest';
import { runCli } from './support/run-cli.ts';

describeWith(['openssl', 'postgres', 'redis-server'], 'the options --store-tls-… of commands', () => {
  it('verify the database that migrate changes', async () => {
    const made = await makeCertificate('postgres');
    if (made === undefined) throw new Error('openssl is not installed');
    onTestFinished(() => made.remove());
    const server = await startPostgres(['ssl=on', `ssl_cert_file=${made.certificate}`, `ssl_key_file=${made.key}`]);
    if (server === undefined) throw new Error('PostgreSQL is not installed');
    onTestFinished(() => server.stop());
    const url = server.url.replace('127.0.0.1', 'localhost');
    await using other = await TestAuthority.create();
    const wrong = await runCli(['migrate', '--store', url, '--store-tls-ca-file', other.certificate]);
    expect([wrong.exitCode, wrong.err]).toEqual([3, [expect.stringMatching(/certificate/i)]]);
    const right = await runCli(['migrate', '--store', url, '--store-tls-ca-file', made.certificate]);
    expect([right.exitCode, right.out[0]]).toEqual([0, expect.stringContaining('created: schema version')]);
  });

  it('apply to the store of import, and are rejected where they have no effect', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-store-tls-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const redis = await startRedis();
    if (redis === undefined) throw new Error('Redis is not installed');
    onTestFinished(() => redis.stop());
    const store = ['--store', `lmdb:${folder}/data`, '--store-tls-ca-file', '/ca.pem'];
    for (const command of [['migrate'], ['import', '--from', redis.url, '--dtm-is-stopped', '--apply']]) {
      const { exitCode, err } = await runCli([...command, ...store]);
      expect([exitCode, err]).toEqual([2, [expect.stringContaining('--store-tls-… options could apply')]]);
    }
    const half = await runCli(['migrate', '--store', redis.url, '--store-tls-cert-file', '/x.pem']);
    expect([half.exitCode, half.err]).toEqual([2, [expect.stringContaining('belong together')]]);
  });
});
