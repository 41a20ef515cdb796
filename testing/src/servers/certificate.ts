import { join } from 'node:path';
import { unprivilegedAccount } from './account.ts';
import { runChild } from './child.ts';
import { createDataFolder, removeDataFolder } from './data-folder.ts';
import { locate } from './locate.ts';

/** A self-signed certificate of this machine. */
export interface Certificate {
  /** PEM files; only the server's account can read the key. */
  readonly certificate: string;
  readonly key: string;
  remove(): Promise<void>;
}

/**
 * Creates a certificate with the program openssl, for a server that runs as `account`, or in this
 * process; undefined if openssl is not installed.
 */
export async function makeCertificate(account?: 'mysql' | 'postgres' | 'redis'): Promise<Certificate | undefined> {
  const program = locate('openssl');
  if (program === undefined) return undefined;
  const owner = account === undefined ? undefined : unprivilegedAccount(account);
  const folder = await createDataFolder('certificate', owner);
  const [certificate, key] = [join(folder, 'certificate.pem'), join(folder, 'key.pem')];
  const kind = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'];
  const names = ['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  await runChild(program, ['req', ...kind, ...names, '-out', certificate, '-keyout', key], { ...owner, cwd: folder });
  return { certificate, key, remove: () => removeDataFolder(folder) };
}
