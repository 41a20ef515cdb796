import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StoreTls } from '@holdfast/core/store-kit';
import { describeWith } from '@holdfast/testing/describe-with';
import {
  freePort,
  type Issued,
  startMariadb,
  startPostgres,
  startRedis,
  TestAuthority,
} from '@holdfast/testing/servers';
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storeOf } from '../../src/open-store.ts';

interface Database {
  /** A URL with TLS over which any client connects whose certificate the server accepts. */
  readonly url: string;
  readonly parameters: (files: StoreTls) => string;
  readonly stop: () => Promise<void>;
}

interface Kind {
  readonly name: string;
  readonly programs: readonly string[];
  readonly account: 'postgres' | 'mysql' | 'redis';
  readonly start: (server: Issued, authority: TestAuthority) => Promise<Database>;
}

const parametersOf =
  (ca: string, cert: string, key: string) =>
  ({ caFile, certFile, keyFile }: StoreTls): string =>
    [
      [ca, caFile],
      [cert, certFile],
      [key, keyFile],
    ]
      .filter(([, path]) => path !== undefined)
      .map(([name, path]) => `&${name}=${path}`)
      .join('');

const started = <T>(server: T | undefined): T => {
  if (server === undefined) throw new Error('the server is not installed');
  return server;
};

const KINDS: readonly Kind[] = [
  {
    name: 'PostgreSQL',
    programs: ['openssl', 'postgres'],
    account: 'postgres',
    async start(issued, authority) {
      const rules = join(authority.folder, 'hba.conf');
      await writeFile(rules, 'hostssl all all 127.0.0.1/32 trust clientcert=verify-ca\nhost all all all trust\n');
      const files = [`ssl_cert_file=${issued.certificate}`, `ssl_key_file=${issued.key}`, `hba_file=${rules}`];
      const server = started(await startPostgres(['ssl=on', `ssl_ca_file=${authority.certificate}`, ...files]));
      const { port } = new URL(server.url);
      return {
        url: `postgres://holdfast@localhost:${port}/postgres?sslmode=verify-full`,
        parameters: parametersOf('sslrootcert', 'sslcert', 'sslkey'),
        stop: () => server.stop(),
      };
    },
  },
  {
    name: 'MariaDB',
    programs: ['openssl', 'mariadbd'],
    account: 'mysql',
    async start(issued, authority) {
      const server = started(
        await startMariadb([
          `--ssl-cert=${issued.certificate}`,
          `--ssl-key=${issued.key}`,
          `--ssl-ca=${authority.certificate}`,
        ]),
      );
      const owner = await createConnection({ uri: server.url });
      await owner.query("create user guest@'127.0.0.1' require x509");
      await owner.query("grant all on holdfast.* to guest@'127.0.0.1'");
      await owner.end();
      const { port } = new URL(server.url);
      return {
        url: `mysql://guest@localhost:${port}/holdfast?ssl-mode=VERIFY_IDENTITY`,
        parameters: parametersOf('ssl-ca', 'ssl-cert', 'ssl-key'),
        stop: () => server.stop(),
      };
    },
  },
  {
    name: 'Redis',
    programs: ['openssl', 'redis-server'],
    account: 'redis',
    async start(issued, authority) {
      const port = await freePort();
      const files = ['--tls-cert-file', issued.certificate, '--tls-key-file', issued.key];
      const clients = ['--tls-ca-cert-file', authority.certificate, '--tls-auth-clients', 'yes'];
      const server = started(await startRedis({ settings: ['--tls-port', String(port), ...files, ...clients] }));
      return {
        url: `rediss://localhost:${port}/0?prefix=holdfast`,
        parameters: parametersOf('cacert', 'cert', 'key'),
        stop: () => server.stop(),
      };
    },
  },
];

const SERVER_NAME = 'db.example';

describe.each(KINDS)('a store on $name over TLS', ({ programs, account, start }) => {
  describeWith(programs, 'with certificates', () => {
    let authority: TestAuthority;
    let other: TestAuthority;
    let database: Database;
    let expired: Database;
    let client: Issued;
    let folder: string;

    beforeAll(async () => {
      [authority, other] = await Promise.all([TestAuthority.create(account), TestAuthority.create()]);
      client = await authority.issue({ subject: 'guest' });
      database = await start(await authority.issue({ names: [`DNS:${SERVER_NAME}`], subject: SERVER_NAME }), authority);
      expired = await start(await authority.issue({ days: -1 }), authority);
      folder = await mkdtemp(join(tmpdir(), 'holdfast-store-tls-'));
    }, 120_000);
    afterAll(async () => {
      await Promise.all([database.stop(), expired.stop()]);
      await Promise.all([authority.remove(), other.remove(), rm(folder, { recursive: true })]);
    });

    /** Opens the store and reads from it; resolves to the error's text, or to `open`. */
    async function open(url: string, tls: StoreTls = {}): Promise<string> {
      const store = await storeOf(url, () => undefined, tls);
      try {
        await store.open();
        return 'open';
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      } finally {
        await store.close();
      }
    }

    const files = (): StoreTls => ({
      caFile: authority.certificate,
      certFile: client.certificate,
      keyFile: client.key,
    });

    it('is opened with the authority, a client certificate and the name of the server', async () => {
      await expect(open(database.url, { ...files(), serverName: SERVER_NAME })).resolves.toBe('open');
      const byUrl = database.url + database.parameters(files());
      await expect(open(byUrl, { serverName: SERVER_NAME })).resolves.toBe('open');
    });

    it('is not opened if the server has another name, another authority, or an expired certificate', async () => {
      await expect(open(database.url, files())).resolves.toMatch(/altnames|ERR_TLS_CERT_ALTNAME_INVALID/);
      const stranger = { ...files(), caFile: other.certificate, serverName: SERVER_NAME };
      await expect(open(database.url, stranger)).resolves.toMatch(/certificate/);
      await expect(open(expired.url, files())).resolves.toMatch(/expired/);
    });

    it('is not opened without the client certificate that the server requires', async () => {
      const failed = await open(database.url, { caFile: authority.certificate, serverName: SERVER_NAME });
      expect(failed).not.toBe('open');
    });

    it('is not opened if a file has a fault, which the error names', async () => {
      const missing = join(folder, 'missing.pem');
      await expect(open(database.url, { ...files(), caFile: missing })).resolves.toContain(
        `the file ${missing} for TLS to the store cannot be used: it cannot be read (ENOENT)`,
      );
      await expect(open(database.url, { ...files(), keyFile: (await other.issue()).key })).resolves.toContain(
        `the file ${client.certificate} for TLS to the store cannot be used: it is damaged, or is not the certificate of the key`,
      );
    });
  });
});
