import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unprivilegedAccount } from './account.ts';
import { runChild } from './child.ts';
import { createDataFolder, removeDataFolder } from './data-folder.ts';
import { locate } from './locate.ts';

/** A certificate and its key, as PEM files and as texts. */
export interface Issued {
  readonly certificate: string;
  readonly key: string;
  readonly certificateText: string;
  readonly keyText: string;
}

export interface IssueOptions {
  /** For example `DNS:localhost`; localhost and 127.0.0.1 by default. */
  readonly names?: readonly string[];
  /** The common name, as `openssl req -subj` takes it after `/CN=`; `test` by default. */
  readonly subject?: string;
  /** Days until the certificate expires; -1: yesterday. 30 by default. */
  readonly days?: number;
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/**
 * A certificate authority of a test, which issues certificates with the program openssl. The files
 * belong to the account that a server runs as.
 */
export class TestAuthority implements AsyncDisposable {
  readonly folder: string;
  /** PEM file of the authority's certificate. */
  readonly certificate: string;
  readonly certificateText: string;
  readonly #run: (...args: string[]) => Promise<string>;
  #issued = 0;

  private constructor(folder: string, text: string, run: (...args: string[]) => Promise<string>) {
    this.folder = folder;
    this.certificate = join(folder, 'ca.pem');
    this.certificateText = text;
    this.#run = run;
  }

  static async create(account?: 'mysql' | 'postgres' | 'redis'): Promise<TestAuthority> {
    const program = locate('openssl');
    if (program === undefined) throw new Error('openssl is not installed');
    const owner = account === undefined ? undefined : unprivilegedAccount(account);
    const folder = await createDataFolder('authority', owner);
    const run = (...args: string[]): Promise<string> => runChild(program, args, { ...owner, cwd: folder });
    const usage = ['-addext', 'keyUsage=critical,keyCertSign,digitalSignature'];
    const files = ['-keyout', 'ca.key', '-out', 'ca.pem'];
    await run('req', '-x509', ...KEY, '-days', '30', '-subj', '/CN=Test authority', ...usage, ...files);
    return new TestAuthority(folder, await readFile(join(folder, 'ca.pem'), 'utf8'), run);
  }

  async issue({
    names = ['DNS:localhost', 'IP:127.0.0.1'],
    subject = 'test',
    days = 30,
  }: IssueOptions = {}): Promise<Issued> {
    const name = `issued-${++this.#issued}`;
    const [certificate, key] = [join(this.folder, `${name}.pem`), join(this.folder, `${name}.key`)];
    await this.#run('req', ...KEY, '-utf8', '-subj', `/CN=${subject}`, '-keyout', key, '-out', `${name}.csr`);
    await writeFile(join(this.folder, `${name}.ext`), `subjectAltName=${names.join(',')}\n`);
    // A file of serial numbers would be shared by certificates that are issued at the same time.
    const serial = `0x${randomBytes(16).toString('hex')}`;
    const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-set_serial', serial, '-extfile', `${name}.ext`];
    await this.#run('x509', '-req', '-in', `${name}.csr`, ...signing, '-days', String(days), '-out', certificate);
    const [certificateText, keyText] = [await readFile(certificate, 'utf8'), await readFile(key, 'utf8')];
    return { certificate, key, certificateText, keyText };
  }

  remove(): Promise<void> {
    return removeDataFolder(this.folder);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.remove();
  }
}
