import { describe, expect, it } from 'vitest';
import { isNeverSent } from '../src/api/never-sent.ts';

const errorOf = (code: string, syscall?: string): Error =>
  Object.assign(new Error(code), { code, ...(syscall !== undefined && { syscall }) });

describe('a request', () => {
  it.each([
    ['ECONNREFUSED', 'connect'],
    ['EHOSTUNREACH', 'connect'],
    ['ENOTFOUND', 'getaddrinfo'],
    ['UND_ERR_CONNECT_TIMEOUT', undefined],
    ['ECONNREFUSED', undefined],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', undefined],
    ['CERT_HAS_EXPIRED', undefined],
    ['ERR_TLS_CERT_ALTNAME_INVALID', undefined],
  ])('was not sent if its error is %s of %s', (code, syscall) => {
    expect(isNeverSent(errorOf(code, syscall))).toBe(true);
  });

  it.each([
    ['EHOSTUNREACH', 'read'],
    ['ENETUNREACH', 'write'],
    ['ECONNREFUSED', 'read'],
    ['ECONNRESET', 'read'],
    ['ETIMEDOUT', 'read'],
    ['UND_ERR_SOCKET', undefined],
    ['ERR_SSL_WRONG_VERSION_NUMBER', undefined],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', undefined],
  ])('may have been sent if its error is %s of %s', (code, syscall) => {
    expect(isNeverSent(errorOf(code, syscall))).toBe(false);
  });
});
