export * from './call-id.ts';
export * from './call-signer.ts';
export * from './call-verifier.ts';
export { SigningKeyError } from './key-text.ts';
export * from './replay-table.ts';
export { callContent, bodyPrefix, isSignatureHeader, SIGNATURE_HEADERS } from './signature.ts';
export { MAX_SIGNING_KEYS, parseSigningKeys, type SigningKey } from './signing-key.ts';
