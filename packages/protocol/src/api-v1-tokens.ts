import { z } from 'zod';
import { LIMITS } from './limits.ts';
import { namespaceFault, ROLES } from './principal.ts';
import { tokenLimits, tokenLimitsRequest } from './token-limits.ts';

/** Requests and responses of `/api/v1` about API tokens. */

const namespace = z.string().refine((name) => namespaceFault(name) === undefined, {
  error: (issue) => namespaceFault(String(issue.input)) ?? '',
});

/** Recorded in the audit log. */
const reason = z.string().max(1024).optional();

/** Body of `POST /api/v1/tokens`. */
export const tokenRequest = z.strictObject({
  /** Human-readable; not unique. */
  name: z
    .string()
    .min(1)
    .max(LIMITS.tokenNameLength)
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, {
      error: 'must have letters, digits, dots, hyphens and underscores, and begin with a letter or digit',
    }),
  role: z.enum(ROLES),
  /** The namespaces in which the token may act. Default: those of the caller. */
  namespaces: z.array(namespace).min(1).max(LIMITS.tokenNamespaces).optional(),
  /** Default: it expires with the token that creates it, otherwise never. */
  expiresInMs: z.number().int().min(1).max(LIMITS.tokenValidityMs).optional(),
  /** Default: those with which the coordinator is configured for all principals. */
  limits: tokenLimitsRequest.optional(),
  reason,
});
export type TokenRequest = z.input<typeof tokenRequest>;

/** Body of `POST /api/v1/tokens/:id/rotate`; optional. */
export const rotateRequest = z.strictObject({
  /**
   * For how long the present secret stays valid. Default: it and all earlier ones are invalid at
   * once.
   */
  overlapMs: z.number().int().min(0).max(LIMITS.tokenOverlapMs).optional(),
  reason,
});
export type RotateRequest = z.input<typeof rotateRequest>;

/** Query of `DELETE /api/v1/tokens/:id`. */
export const revokeQuery = z.strictObject({ reason });

const tokenShape = {
  id: z.string(),
  name: z.string(),
  role: z.enum(ROLES),
  /** Whether it may act in every namespace; `namespaces` is then empty. */
  allNamespaces: z.boolean(),
  namespaces: z.array(z.string()),
  /** Null: those of the configuration apply. */
  limits: tokenLimits.nullable(),
  createdAtMs: z.number(),
  /** The ID of the principal; empty for an anonymous one, and for the bootstrap token. */
  createdBy: z.string(),
  /** Null: it does not expire. */
  expiresAtMs: z.number().nullable(),
  /** Accurate to about a minute. Null: it was not used yet. */
  lastUsedAtMs: z.number().nullable(),
  rotatedAtMs: z.number().nullable(),
  /** Until when secrets that rotations have replaced are valid. Null: none was valid longer. */
  previousValidUntilMs: z.number().nullable(),
  revokedAtMs: z.number().nullable(),
};

/** One API token, without its secret. */
export const tokenInfo = z.object(tokenShape);
export type TokenInfo = z.infer<typeof tokenInfo>;

/** One API token with its text, which the coordinator shows only once. */
export const newToken = z.object({ ...tokenShape, token: z.string() });
export type NewToken = z.infer<typeof newToken>;

export const tokenPage = z.object({ items: z.array(tokenInfo), next: z.string().nullable() });
export type TokenPage = z.infer<typeof tokenPage>;
