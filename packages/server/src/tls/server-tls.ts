import type { ServerConfig } from '../config/options.ts';
import type { Log } from '../logs/log.ts';
import type { WatchedFile, WatchedFiles } from '../secrets/watched-files.ts';
import type { Served } from './refusal.ts';
import { type ServerTls, TlsGate } from './tls-gate.ts';
import { type TlsMaterial, watchTls } from './watch-certificate.ts';

export interface ServerTlsParts {
  readonly files: WatchedFiles;
  readonly log: Log;
  /** Called after each handshake that failed. */
  readonly failed: () => void;
}

/** TLS of the ports of one server. */
export interface PortsTls {
  /** Each port has its own; all present the same certificate. */
  gate(served: Served): TlsGate;
  /** When the certificate in use expires, in ms since the epoch. */
  readonly expiresMs: () => number | undefined;
}

/** Reads the files that the options name; undefined without TLS. Throws `ConfigError`. */
export async function serverTls(config: ServerConfig, parts: ServerTlsParts): Promise<PortsTls | undefined> {
  const { tlsCertFile, tlsKeyFile, tlsClientCaFile, tlsClientAuth } = config;
  if (tlsCertFile === '') return undefined;
  const clientAuth = tlsClientCaFile === '' ? 'none' : tlsClientAuth;
  const watched = await watchTls(
    {
      cert: { option: 'tlsCertFile', path: tlsCertFile },
      key: { option: 'tlsKeyFile', path: tlsKeyFile },
      ca: { option: 'tlsClientCaFile', path: tlsClientCaFile },
    },
    parts,
    (material): ServerTls => ({ clientAuth, context: contextOf(material) }),
  );
  return {
    gate: (served) => gateOf(watched, { served, log: parts.log, failed: parts.failed }),
    expiresMs: () => watched.value.own?.expiresMs,
  };
}

function gateOf(
  watched: WatchedFile<{ readonly used: ServerTls }>,
  options: { readonly served: Served; readonly log: Log; readonly failed: () => void },
): TlsGate {
  const gate = new TlsGate({ ...options, tls: watched.value.used });
  watched.onChange(({ used }) => gate.use(used));
  return gate;
}

const contextOf = ({ ca, own }: TlsMaterial) => ({
  cert: own?.cert,
  key: own?.key,
  ...(ca !== undefined && { ca: [...ca] }),
});
