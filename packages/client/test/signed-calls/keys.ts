import { generateKeyPairSync } from 'node:crypto';

export const SECRET = `whsec_${Buffer.alloc(32, 'secret-one-').toString('base64')}`;
export const OTHER_SECRET = `whsec_${Buffer.alloc(32, 'secret-two-').toString('base64')}`;

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
export const PRIVATE_PEM = String(privateKey.export({ format: 'pem', type: 'pkcs8' }));
export const PUBLIC_PEM = String(publicKey.export({ format: 'pem', type: 'spki' }));
