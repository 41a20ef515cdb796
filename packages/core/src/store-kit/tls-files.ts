import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { checkServerIdentity, createSecureContext, type PeerCertificate } from 'node:tls';
import { StoreError } from '../store/store.ts';

/** TLS towards a database. Files are PEM; each is read again for each new connection. */
export interface StoreTls {
  /** Authorities instead of those of the system. */
  readonly caFile?: string;
  /** The client certificate, and its key. */
  readonly certFile?: string;
  readonly keyFile?: string;
  /** The name in the server's certificate, if it differs from the URL's host. */
  readonly serverName?: string;
}

/** The contents of the files. */
export interface TlsContents {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

const LONGEST_FILE = 4 * 1024 * 1024;

/**
 * The files of a store's TLS. The first connection fails if a file has a fault. Later, when
 * certificates are replaced, a fault is one warning, and the last good contents are used again.
 */
export class TlsFiles {
  readonly #tls: StoreTls;
  readonly #onWarning: (text: string) => void;
  #last: TlsContents | undefined;
  #warned = '';

  /** Throws `StoreError` `invalid` if a certificate has no key, or a key no certificate. */
  constructor(tls: StoreTls, onWarning: (text: string) => void) {
    if ((tls.certFile === undefined) !== (tls.keyFile === undefined))
      throw new StoreError('invalid', "the store's TLS needs both a client certificate and its key, or neither");
    this.#tls = tls;
    this.#onWarning = onWarning;
  }

  /** The contents for a new connection. Throws `StoreError` `invalid`. */
  async read(): Promise<TlsContents> {
    try {
      this.#last = await contentsOf(this.#tls);
      this.#warned = '';
    } catch (thrown) {
      if (this.#last === undefined || !(thrown instanceof StoreError)) throw thrown;
      const text = `${thrown.message}; the previous content stays in use`;
      if (text !== this.#warned) this.#onWarning(text);
      this.#warned = text;
    }
    return this.#last;
  }
}

async function contentsOf({ caFile, certFile, keyFile }: StoreTls): Promise<TlsContents> {
  const contents: TlsContents = {
    ...(caFile !== undefined && { ca: await textOf(caFile) }),
    ...(certFile !== undefined && { cert: await textOf(certFile) }),
    ...(keyFile !== undefined && { key: await textOf(keyFile) }),
  };
  if (contents.ca?.includes('-----BEGIN CERTIFICATE-----') === false)
    throw faultOf(caFile, 'it contains no certificate in PEM form');
  try {
    createSecureContext(contents);
  } catch (error) {
    throw faultOf(certFile ?? caFile, `it is damaged, or is not the certificate of the key (${codeOf(error)})`);
  }
  return contents;
}

async function textOf(path: string): Promise<string> {
  try {
    // Opening a pipe without this flag would wait for its writer.
    const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const stats = await file.stat();
      if (!stats.isFile() || stats.size > LONGEST_FILE) throw faultOf(path, 'it is not a file of a certificate or key');
      return await file.readFile('latin1');
    } finally {
      await file.close();
    }
  } catch (error) {
    throw error instanceof StoreError ? error : faultOf(path, `it cannot be read (${codeOf(error)})`);
  }
}

const faultOf = (path: string | undefined, fault: string): StoreError =>
  new StoreError('invalid', `the file ${path ?? ''} for TLS to the store cannot be used: ${fault}`);

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';

/** The option of `tls.connect` that compares the certificate with `serverName`. */
export const identityCheck = (
  serverName: string | undefined,
): { checkServerIdentity?: (host: string, certificate: PeerCertificate) => Error | undefined } =>
  serverName === undefined
    ? {}
    : { checkServerIdentity: (_host, certificate) => checkServerIdentity(serverName, certificate) };
