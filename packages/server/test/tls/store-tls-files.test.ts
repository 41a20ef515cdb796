import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TlsFiles } from '@holdfast/core/store-kit';
import { describeWith } from '@holdfast/testing/describe-with';
import { TestAuthority } from '@holdfast/testing/servers';
import { afterAll, beforeAll, expect, it } from 'vitest';

let authority: TestAuthority;
let other: TestAuthority;
let folder: string;

beforeAll(async () => {
  [authority, other] = await Promise.all([TestAuthority.create(), TestAuthority.create()]);
  folder = await mkdtemp(join(tmpdir(), 'holdfast-store-tls-'));
});
afterAll(() => Promise.all([authority.remove(), other.remove(), rm(folder, { recursive: true })]));

describeWith(['openssl'], 'the files of TLS to a store', () => {
  it('are read for each connection, and their last good contents are used while one has a fault', async () => {
    const caFile = join(folder, 'ca.pem');
    await copyFile(authority.certificate, caFile);
    const warnings: string[] = [];
    const files = new TlsFiles({ caFile }, (text) => warnings.push(text));
    await expect(files.read()).resolves.toEqual({ ca: authority.certificateText });
    await writeFile(caFile, 'half');
    await expect(files.read()).resolves.toEqual({ ca: authority.certificateText });
    await expect(files.read()).resolves.toEqual({ ca: authority.certificateText });
    expect(warnings).toEqual([
      `the file ${caFile} for TLS to the store cannot be used: it contains no certificate in PEM form; the previous content stays in use`,
    ]);
    await copyFile(other.certificate, caFile);
    await expect(files.read()).resolves.toEqual({ ca: other.certificateText });
    expect(warnings).toHaveLength(1);
  });

  it('are an error at the first connection if one has a fault, and if a certificate has no key', async () => {
    const { certificate } = await authority.issue();
    const { key } = await authority.issue();
    const ignore = (): void => undefined;
    await expect(new TlsFiles({ caFile: folder }, ignore).read()).rejects.toThrow(
      `the file ${folder} for TLS to the store cannot be used`,
    );
    await expect(new TlsFiles({ certFile: certificate, keyFile: key }, ignore).read()).rejects.toThrow(
      `the file ${certificate} for TLS to the store cannot be used: it is damaged, or is not the certificate of the key`,
    );
    expect(() => new TlsFiles({ certFile: certificate }, ignore)).toThrow(
      'needs both a client certificate and its key',
    );
  });
});
