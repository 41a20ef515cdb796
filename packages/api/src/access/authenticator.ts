import type { Principal } from '@holdfast/protocol';

/** What a request presents to prove who sent it. */
export interface Credentials {
  /** The value of `Authorization`, or of gRPC's metadata `authorization`; several are joined. */
  readonly authorization?: string | undefined;
  /** The verified certificate of a TLS client. */
  readonly clientCertificate?: ClientCertificate | undefined;
  /** The address of the other end of the connection. Undefined once it is closed. */
  readonly remoteAddress?: string | undefined;
  /**
   * Whether the call was admitted with these credentials, and is still in progress: a stream. Its
   * rejection ends the call. It is not a failed login, and must not be held back.
   */
  readonly isInProgress?: boolean | undefined;
  /**
   * The caller's deadline, by `performance.now()`. Bounds how long the check of valid credentials
   * may take; not for how long the response to a failed login is held back.
   */
  readonly deadlineMs?: number | undefined;
}

/** The part of a verified client certificate that can be mapped to a principal. */
export interface ClientCertificate {
  /** The SHA-256 of the certificate, in lower-case hexadecimal digits. */
  readonly fingerprint: string;
  /** The common name of the subject; empty if it has none. */
  readonly commonName: string;
  /** The subject alternative names with their kinds, such as `DNS:orders.example`. */
  readonly names: readonly string[];
}

/**
 * Determines who sent a request. Transports call it once per request, before they use the body, and
 * every second while a stream lasts.
 * Without an authenticator, every caller is `ANONYMOUS` and may do everything.
 *
 * Throws or rejects with `unauthenticated` (its text reveals nothing about valid credentials),
 * `too_many_requests`, `unavailable` if the credentials cannot be checked now,
 * `deadline_exceeded`, or `forbidden` if the caller is known and may do nothing.
 */
export interface Authenticator {
  authenticate(credentials: Credentials): Principal | Promise<Principal>;
}
