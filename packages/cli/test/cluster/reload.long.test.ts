import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { describeWith } from '@holdfast/testing/describe-with';
import { HoldfastProcess } from '@holdfast/testing/holdfast-process';
import { type Issued, TestAuthority } from '@holdfast/testing/servers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { useDatabase } from './support/database.ts';
import { until } from './support/process.ts';

const SECRET = `whsec_${Buffer.alloc(32, 'secret-one-').toString('base64')}`;

describeWith(['postgres', 'openssl'], 'SIGHUP of holdfast serve --workers', () => {
  const { newStore } = useDatabase();
  let authority: TestAuthority;
  let folder: string;
  beforeAll(async () => {
    authority = await TestAuthority.create();
    folder = await mkdtemp(join(tmpdir(), 'holdfast-reload-'));
  });
  afterAll(() => Promise.all([authority.remove(), rm(folder, { recursive: true })]));

  /** The serial numbers that a number of connections see; the workers receive them in turn. */
  const serialsOf = async (port: number): Promise<ReadonlySet<string>> => {
    const serials = Array.from(
      { length: 8 },
      () =>
        new Promise<string>((resolve, reject) => {
          const socket = tls.connect({ host: 'localhost', port, ca: authority.certificateText }, () => {
            resolve(socket.getPeerCertificate().serialNumber);
            socket.destroy();
          });
          socket.on('error', reject);
        }),
    );
    return new Set(await Promise.all(serials));
  };

  it('has every worker take the new certificate and the new keys, and none stops', async () => {
    const [certFile, keyFile, signing] = ['cert.pem', 'key.pem', 'signing.key'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const install = async ({ certificate, key }: Issued): Promise<void> => {
      await copyFile(certificate, certFile);
      await copyFile(key, keyFile);
    };
    await install(await authority.issue());
    await writeFile(signing, SECRET, { mode: 0o600 });
    const files = ['--tls-cert-file', certFile, '--tls-key-file', keyFile, '--signing-key-file', signing];
    await using run = new HoldfastProcess([
      'serve',
      ...['--store', newStore(), '--http-port', '0', '--workers', '2', '--log-format', 'json'],
      ...files,
    ]);
    const port = Number(new URL(await run.ready()).port);
    const [before = ''] = await serialsOf(port);
    const signed = (): readonly number[] =>
      run.log
        .filter(({ msg }) => msg.startsWith('calls of branches and webhooks are signed'))
        .map(({ worker }) => Number(worker))
        .toSorted((a, b) => a - b);
    expect(signed()).toEqual([1, 2]);
    await install(await authority.issue());
    await writeFile(signing, `${SECRET}\n${SECRET.replace('c2Vj', 'c2Vk')}`);
    run.child.kill('SIGHUP');
    await until(async () => {
      const now = await serialsOf(port);
      return now.size === 1 && !now.has(before);
    });
    await until(() => signed().length >= 4);
    expect(signed()).toEqual([1, 1, 2, 2]);
    expect(run.log.filter(({ msg }) => /crashed|stopping/.test(msg))).toEqual([]);
    expect(await run.stop()).toBe(0);
  });
});
