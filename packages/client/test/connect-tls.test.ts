import { describeWith } from '@holdfast/testing/describe-with';
import { type Issued, TestAuthority } from '@holdfast/testing/servers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect } from '../src/connect.ts';
import type { ClientTls } from '../src/options.ts';

describeWith(['openssl'], 'the option tls of connect()', () => {
  let authority: TestAuthority;
  let client: Issued;
  let other: Issued;
  beforeAll(async () => {
    authority = await TestAuthority.create();
    [client, other] = await Promise.all([authority.issue(), authority.issue()]);
  });
  afterAll(() => authority.remove());

  const connecting =
    (tls: ClientTls, url = 'https://127.0.0.1:1') =>
    () =>
      connect(url, { tls });

  it('is rejected with the reason if ca has no certificate: OpenSSL would ignore such a text', () => {
    for (const ca of ['nonsense', '', client.keyText, Buffer.from(client.keyText)])
      expect(connecting({ ca })).toThrow(
        new TypeError('connect(): tls.ca must have certificates in PEM form (BEGIN CERTIFICATE)'),
      );
  });

  it('is rejected if cert and key are damaged, not of one pair, or not both given', () => {
    const { certificateText: cert, keyText: key } = client;
    expect(connecting({ cert })).toThrow('connect(): tls must have both cert and key, or neither');
    expect(connecting({ cert, key: other.keyText })).toThrow(/^connect\(\): tls is not valid PEM, or key does not/);
    expect(connecting({ cert: 'nonsense', key })).toThrow(/^connect\(\): tls is not valid PEM/);
  });

  it('is rejected for a coordinator without TLS', () => {
    const { certificateText: ca } = authority;
    for (const url of ['http://127.0.0.1:1', 'grpc://127.0.0.1:1'])
      expect(connecting({ ca }, url)).toThrow("connect(): tls needs a coordinator's URL with https:// or grpcs://");
  });
});
