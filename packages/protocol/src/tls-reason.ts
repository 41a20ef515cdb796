/** What the codes of Node and OpenSSL mean for an operator. */
const REASONS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "the server's certificate has expired",
  CERT_NOT_YET_VALID: "the server's certificate is not valid yet",
  CERT_REVOKED: "the server's certificate is revoked",
  CERT_SIGNATURE_FAILURE: "the signature of the server's certificate is wrong",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the server's certificate is self-signed, and is not a known authority",
  SELF_SIGNED_CERT_IN_CHAIN: "the server's certificate is issued by an unknown authority",
  UNABLE_TO_GET_ISSUER_CERT: "the server's certificate is issued by an unknown authority",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "the server's certificate is issued by an unknown authority",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    "the server's certificate is issued by an unknown authority, or the server does not send its chain",
  INVALID_PURPOSE: "the server's certificate is not for servers",
  ERR_SSL_WRONG_VERSION_NUMBER: 'the server does not use TLS on this port',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'the server does not use TLS on this port',
  EPROTO: 'the handshake failed; the server may not use TLS on this port',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'the server supports neither TLS 1.2 nor TLS 1.3',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'the server supports neither TLS 1.2 nor TLS 1.3',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'the server requires a client certificate',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'the server does not know the authority of the client certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'the server rejects the client certificate: it has expired',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'the server rejects the client certificate, or requires one',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: 'the server rejects the client certificate',
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: 'the server rejects the handshake; it may require a client certificate',
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: 'the server does not support the protocol (ALPN)',
};

/** Codes of a certificate whose authority the client does not trust. */
const OF_AUTHORITIES = [
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
];
const OF_VALIDITY = ['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID', 'CERT_REVOKED', 'INVALID_PURPOSE'];
const OF_PORTS = ['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'EPROTO'];

/** What has to be corrected after a failed handshake. */
export type TlsFault = 'authority' | 'certificate' | 'name' | 'client certificate' | 'port' | 'other';

/** The kind of a failed TLS handshake; undefined for any other error. */
export function tlsFaultOf(error: unknown): TlsFault | undefined {
  if (!(error instanceof Error) || tlsReason(error) === undefined) return undefined;
  const { code } = error as Error & { readonly code: string };
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'name';
  if (OF_AUTHORITIES.includes(code)) return 'authority';
  if (OF_VALIDITY.includes(code)) return 'certificate';
  if (OF_PORTS.includes(code)) return 'port';
  return REASONS[code]?.includes('client certificate') === true ? 'client certificate' : 'other';
}

/** The reason of a failed TLS handshake, with its code; undefined for any other error. */
export function tlsReason(error: Error): string | undefined {
  if (!('code' in error) || typeof error.code !== 'string') return undefined;
  const { code } = error;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const host = 'host' in error && typeof error.host === 'string' ? error.host.slice(0, 255) : 'this host';
    return `TLS: the server's certificate is not valid for ${host} (${code})`;
  }
  const reason = REASONS[code] ?? (code.startsWith('ERR_SSL_') ? 'the handshake failed' : undefined);
  return reason === undefined ? undefined : `TLS: ${reason} (${code})`;
}

/** The text of a network error. An error over several failed addresses has no message. */
export function describeNetworkError(error: Error): string {
  if (error instanceof AggregateError) {
    const inner: readonly unknown[] = error.errors;
    return inner.map((one) => (one instanceof Error ? describeNetworkError(one) : String(one))).join('; ');
  }
  const reason = tlsReason(error);
  if (reason !== undefined) return reason;
  return error.message === '' ? ('code' in error ? String(error.code) : error.name) : error.message;
}
