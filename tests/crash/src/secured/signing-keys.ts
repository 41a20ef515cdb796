import { generateKeyPairSync, randomBytes } from 'node:crypto';

/** The keys of a secured run: coordinators change from the first to the second while they run. */
export interface SigningKeys {
  /** `whsec_…`; clients sign their own calls with it as well. */
  readonly hmac: string;
  /** PEM. */
  readonly ed25519: { readonly privateKey: string; readonly publicKey: string };
}

/** The kind of a key by which a call was verified. */
export type KeyKind = keyof SigningKeys;

export function newSigningKeys(): SigningKeys {
  const ed25519 = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  return { hmac: `whsec_${randomBytes(32).toString('base64')}`, ed25519 };
}

/** Contents of the coordinators' key file, in the order in which a key is replaced. */
export const keyFiles = ({ hmac, ed25519 }: SigningKeys): readonly string[] => [
  `${hmac}\n`,
  `${hmac}\n${ed25519.privateKey}`,
  ed25519.privateKey,
];
