import {
  type Authenticator,
  bootstrap,
  FailedLogins,
  type RecordFirstToken,
  TokenAuthenticator,
  type TokenBook,
  warnWithoutAdmin,
} from '@holdfast/api';
import type { ServerConfig } from '../config/options.ts';
import type { Log } from '../logs/log.ts';
import { JwtAuthenticator } from '../oidc/jwt-authenticator.ts';
import type { Oidc } from '../oidc/start-oidc.ts';
import type { ServerMetrics } from '../metrics/server-metrics.ts';

export interface AccessParts {
  readonly tokens: TokenBook;
  readonly metrics: ServerMetrics;
  readonly log: Log;
  /** The text of the first token, from the file of `bootstrapTokenFile`. */
  readonly bootstrapText: string | undefined;
  /** Undefined: nothing is recorded. */
  readonly recordFirstToken: RecordFirstToken | undefined;
  /** How JWTs are verified; undefined: they are not accepted. */
  readonly oidc: Oidc | undefined;
  /** Whether a client certificate proves a caller with the role admin for all namespaces. */
  readonly hasOtherAdmins: boolean;
}

/** How callers are authenticated. */
export interface Access {
  readonly authenticator: Authenticator;
  /** The text of the token that this node created, if it must be shown to the operator. */
  readonly bootstrapToken: string | undefined;
}

/**
 * Starts the authentication of callers, and creates the first token of a store that has none.
 * Resolves to undefined if authentication is off. Throws `HoldfastError` if the store cannot keep
 * the token.
 */
export async function startAccess({ auth }: ServerConfig, parts: AccessParts): Promise<Access | undefined> {
  if (!auth) return undefined;
  const { tokens, metrics, log, bootstrapText, recordFirstToken, oidc, hasOtherAdmins } = parts;
  const bootstrapToken = await bootstrap(tokens, bootstrapText, log, recordFirstToken);
  // The claims of JWTs may make administrators.
  if (oidc === undefined && !hasOtherAdmins) await warnWithoutAdmin(tokens, log);
  const onFailure = (reason: string): void => metrics.authenticationFailed(reason);
  const logins = new FailedLogins({ logger: log, onFailure });
  const byToken = new TokenAuthenticator({ tokens, logins });
  if (oidc === undefined) return { authenticator: byToken, bootstrapToken };
  await oidc.keys.start();
  return { authenticator: new JwtAuthenticator({ ...oidc, logins, next: byToken }), bootstrapToken };
}
