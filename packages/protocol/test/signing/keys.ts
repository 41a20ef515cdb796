import { generateKeyPairSync } from 'node:crypto';

/** Texts of two secrets and of one ed25519 pair, in all forms. */
export const SECRET = `whsec_${Buffer.alloc(32, 'secret-one-').toString('base64')}`;
export const OTHER_SECRET = `whsec_${Buffer.alloc(32, 'secret-two-').toString('base64')}`;

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const { d = '', x = '' } = privateKey.export({ format: 'jwk' });

export const PRIVATE_PEM = String(privateKey.export({ format: 'pem', type: 'pkcs8' }));
export const PUBLIC_PEM = String(publicKey.export({ format: 'pem', type: 'spki' }));
export const WHSK = `whsk_${Buffer.from(d, 'base64url').toString('base64')}`;
/** The private key, followed by the public one. */
export const LONG_WHSK = `whsk_${Buffer.concat([Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')]).toString('base64')}`;
export const WHPK = `whpk_${Buffer.from(x, 'base64url').toString('base64')}`;
