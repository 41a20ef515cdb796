/** Limits of TLS connections of clients. */
export const TLS_SETTINGS = {
  minVersion: 'TLSv1.2',
  /** From accepting the connection to the end of the handshake. */
  handshakeTimeoutMs: 10_000,
  /** Handshakes in progress; beyond them, the one that began first is ended. */
  maxHandshakes: 1_000,
  /** How long a rejected client may take to read the reason. */
  refusalMs: 1_000,
} as const;
