import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type Certificate,
  freePort,
  makeCertificate,
  startMariadb,
  startPostgres,
  startRedis,
} from '@holdfast/testing/servers';
import { createConnection } from 'mysql2/promise';
import pg from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
/** With characters that mean something in a URL. */
const PASSWORD = 's3cret/%@:';
const GUEST = `guest:${encodeURIComponent(PASSWORD)}`;

describeWith(['openssl', 'postgres', 'mariadbd', 'redis-server'], 'a store behind TLS and a password', () => {
  /**
   * Opens the store as a node does; with the certificate's own authority, or with those that
   * everybody trusts.
   */
  async function open(store: string, authority?: string): Promise<{ readonly code: number; readonly output: string }> {
    const env = { PATH: process.env['PATH'], ...(authority !== undefined && { NODE_EXTRA_CA_CERTS: authority }) };
    return new Promise((resolve) =>
      execFile(process.execPath, [CLI, 'migrate', '--store', store], { env }, (error, out, err) =>
        resolve({ code: error === null ? 0 : Number(error.code), output: out + err }),
      ),
    );
  }

  /** Connects in valid and invalid ways; no error repeats the password. */
  async function expectOnlyTheRightWay(url: string, { certificate }: Certificate): Promise<void> {
    const wrong = url.replace(GUEST, `guest:${encodeURIComponent(`not ${PASSWORD}`)}`);
    const [right, unknownAuthority, wrongPassword] = await Promise.all([
      open(url, certificate),
      open(url),
      open(wrong, certificate),
    ]);
    expect(right).toMatchObject({ code: 0 });
    expect(unknownAuthority).toMatchObject({ code: 3, output: expect.stringMatching(/certificate/i) });
    expect(wrongPassword).toMatchObject({ code: 3, output: expect.stringContaining('cannot be used') });
    for (const { output } of [right, unknownAuthority, wrongPassword]) expect(output).not.toContain('s3cret');
  }

  async function certificateFor(account: Parameters<typeof makeCertificate>[0]): Promise<Certificate> {
    const made = await makeCertificate(account);
    if (made === undefined) throw new Error('openssl is not installed');
    onTestFinished(() => made.remove());
    return made;
  }

  it('PostgreSQL, with sslmode=verify-full and SCRAM', async () => {
    const certificate = await certificateFor('postgres');
    const rules = join(dirname(certificate.certificate), 'hba.conf');
    await writeFile(rules, 'host all holdfast 127.0.0.1/32 trust\nhostssl all guest 127.0.0.1/32 scram-sha-256\n', {
      mode: 0o644,
    });
    const files = [`ssl_cert_file=${certificate.certificate}`, `ssl_key_file=${certificate.key}`, `hba_file=${rules}`];
    const server = await startPostgres(['ssl=on', ...files]);
    if (server === undefined) throw new Error('PostgreSQL is not installed');
    onTestFinished(() => server.stop());
    const owner = new pg.Client({ connectionString: server.url });
    await owner.connect();
    await owner.query(`create role guest login password '${PASSWORD}'; grant create on database postgres to guest`);
    await owner.end();
    const { port } = new URL(server.url);
    await expectOnlyTheRightWay(`postgres://${GUEST}@localhost:${port}/postgres?sslmode=verify-full`, certificate);
  });

  it('MariaDB, with ssl=true', async () => {
    const certificate = await certificateFor('mysql');
    const server = await startMariadb([`--ssl-cert=${certificate.certificate}`, `--ssl-key=${certificate.key}`]);
    if (server === undefined) throw new Error('MariaDB is not installed');
    onTestFinished(() => server.stop());
    const owner = await createConnection({ uri: server.url });
    await owner.query(`create user guest@'127.0.0.1' identified by '${PASSWORD}' require ssl`);
    await owner.query(`grant all on holdfast.* to guest@'127.0.0.1'`);
    await owner.end();
    const { port } = new URL(server.url);
    await expectOnlyTheRightWay(`mysql://${GUEST}@localhost:${port}/holdfast?ssl=true`, certificate);
  });

  it('Redis, with rediss:// and a separate user', async () => {
    const certificate = await certificateFor('redis');
    const port = await freePort();
    const files = ['--tls-cert-file', certificate.certificate, '--tls-key-file', certificate.key];
    const server = await startRedis({
      settings: [
        ...['--tls-port', String(port), ...files, '--tls-auth-clients', 'no'],
        ...['--user', 'guest', 'on', `>${PASSWORD}`, '~{holdfast}:*', '+@all'],
      ],
    });
    if (server === undefined) throw new Error('Redis is not installed');
    onTestFinished(() => server.stop());
    await expectOnlyTheRightWay(`rediss://${GUEST}@localhost:${port}/0`, certificate);
  });
});
