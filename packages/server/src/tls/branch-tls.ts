import { branchContext, type TlsSource } from '@holdfast/branches';
import type { ServerConfig } from '../config/options.ts';
import type { Log } from '../logs/log.ts';
import type { WatchedFiles } from '../secrets/watched-files.ts';
import { watchTls } from './watch-certificate.ts';

/** TLS of the connections to branches, check-backs and webhooks. */
export interface TowardsBranches {
  /** The options of the next connection. */
  readonly source: TlsSource;
  /** When the client certificate expires, in ms since the epoch. */
  readonly expiresMs: () => number | undefined;
}

/** Reads the files that the options name; undefined without any. Throws `ConfigError`. */
export async function branchTls(
  { branchTlsCaFile, branchTlsCertFile, branchTlsKeyFile }: ServerConfig,
  parts: { readonly files: WatchedFiles; readonly log: Log },
): Promise<TowardsBranches | undefined> {
  if (branchTlsCaFile === '' && branchTlsCertFile === '') return undefined;
  const watched = await watchTls(
    {
      cert: { option: 'branchTlsCertFile', path: branchTlsCertFile },
      key: { option: 'branchTlsKeyFile', path: branchTlsKeyFile },
      ca: { option: 'branchTlsCaFile', path: branchTlsCaFile },
    },
    parts,
    ({ ca, own }) => ({
      secureContext: branchContext({
        ...(ca !== undefined && { ca }),
        ...(own !== undefined && { cert: own.cert, key: own.key }),
      }),
    }),
  );
  return { source: () => watched.value.used, expiresMs: () => watched.value.own?.expiresMs };
}
