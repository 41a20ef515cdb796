import { z } from 'zod';
import { tokenLimits } from './token-limits.ts';
import { ROLES } from './principal.ts';

/** An API token as the value of a key-value in the store. */
export const storedToken = z.object({
  format: z.literal(1),
  name: z.string(),
  role: z.enum(ROLES),
  namespaces: z.array(z.string()).optional(),
  limits: tokenLimits.optional(),
  /** SHA-256 of the token's text, in hexadecimal digits. */
  hash: z.string(),
  /** Secrets that rotations have replaced, the last one first; some are not valid any more. */
  previous: z.array(z.object({ hash: z.string(), validUntilMs: z.number() })).optional(),
  createdAtMs: z.number(),
  createdBy: z.string(),
  expiresAtMs: z.number().optional(),
  lastUsedAtMs: z.number().optional(),
  rotatedAtMs: z.number().optional(),
  revokedAtMs: z.number().optional(),
});
export type TokenRecord = Readonly<z.infer<typeof storedToken>>;
