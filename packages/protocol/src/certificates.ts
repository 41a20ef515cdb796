const BEGIN = '-----BEGIN CERTIFICATE-----';

/**
 * Whether each of the texts has a certificate in PEM form. OpenSSL ignores a text without one:
 * authorities that are none would leave only those of the system, or none at all.
 */
export const haveCertificates = (authorities: string | Uint8Array | readonly (string | Uint8Array)[]): boolean => {
  const texts = typeof authorities === 'string' || authorities instanceof Uint8Array ? [authorities] : authorities;
  return texts.length > 0 && texts.every((text) => Buffer.from(text).includes(BEGIN));
};
