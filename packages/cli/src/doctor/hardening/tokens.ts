import type { TokenInfo } from '@holdfast/protocol';
import { type Finding, fail, ok, skip, warn } from '../finding.ts';
import type { CoordinatorFacts, HardeningItem, Installation } from './installation.ts';
import { isLoopback } from '@holdfast/server/config';
import { isAuthenticated } from './listening.ts';

const DAY_MS = 86_400_000;
const UNUSED_MS = 90 * DAY_MS;
/** A new token may wait for the deployment that uses it. */
const NEW_MS = 30 * DAY_MS;
const MOST_ADMINS = 5;
const MOST_SHOWN = 5;

/** An item about a running coordinator. */
const ofCoordinator = (
  name: string,
  check: (coordinator: CoordinatorFacts, installation: Installation) => Finding,
): HardeningItem => ({
  name,
  isVisible: true,
  check(installation) {
    const { coordinator } = installation;
    if (coordinator === undefined)
      return [skip(name, 'not checked', 'specify --server, and a token with the role admin')];
    if (typeof coordinator === 'string') return [skip(name, coordinator, 'see the result of the check "server"')];
    return [check(coordinator, installation)];
  },
});

/** An item about the valid tokens of a running coordinator. */
const ofTokens = (name: string, check: (tokens: readonly TokenInfo[], nowMs: number) => Finding): HardeningItem =>
  ofCoordinator(name, ({ tokens }, { nowMs, config }) => {
    if (tokens === undefined) {
      if (config.auth) return skip(name, 'the tokens cannot be listed', 'specify a token with the role admin');
      return skip(name, 'the tokens cannot be listed', 'specify a token with the role admin, or start with --auth');
    }
    return check(
      tokens.filter((token) => isValid(token, nowMs)),
      nowMs,
    );
  });

const isValid = ({ revokedAtMs, expiresAtMs }: TokenInfo, nowMs: number): boolean =>
  revokedAtMs === null && (expiresAtMs === null || expiresAtMs > nowMs);

/** Names and IDs, which are not secret. */
function listed(tokens: readonly TokenInfo[]): string {
  const shown = tokens.slice(0, MOST_SHOWN).map(({ name, id }) => `${name} (${id})`);
  return [...shown, ...(tokens.length > MOST_SHOWN ? [`${tokens.length - MOST_SHOWN} more`] : [])].join(', ');
}

const isLocal = (url: string): boolean => isLoopback(new URL(url).hostname);

export const anonymousAccess = ofCoordinator('anonymous access', ({ url, statusWithoutToken }, { config }) => {
  const name = 'anonymous access';
  if (statusWithoutToken === 401) return ok(name, `${url} rejects requests without a token`);
  if (statusWithoutToken < 200 || statusWithoutToken > 299) {
    const found = `not checked: ${url} responds to a request without a token with HTTP ${statusWithoutToken}`;
    return skip(name, found, 'see the result of the check "server"');
  }
  const found = `${url} serves requests without a token (HTTP ${statusWithoutToken})`;
  if (isAuthenticated(config)) return fail(name, found, 'restart it: the configuration requires authentication');
  return isLocal(url) ? ok(name, `${found}, on this machine`) : warn(name, found, 'start it with --auth');
});

export const serverConnection = ofCoordinator('server connection', ({ url }) => {
  const name = 'server connection';
  if (url.startsWith('https:')) return ok(name, `${url}: TLS, verified`);
  if (isLocal(url)) return ok(name, `${url}, on this machine`);
  return warn(name, `commands send their token to ${url} unencrypted`, 'use an https:// URL for --server');
});

export const tokenExpiry = ofTokens('token expiry', (tokens) => {
  const name = 'token expiry';
  const found = tokens.filter(({ expiresAtMs }) => expiresAtMs === null);
  if (found.length === 0) return ok(name, `${tokens.length} valid tokens, each with an expiry`);
  return warn(name, `without expiry: ${listed(found)}`, 'create tokens with --expires-in, and replace these');
});

export const unusedTokens = ofTokens('unused tokens', (tokens, nowMs) => {
  const name = 'unused tokens';
  const found = tokens.filter(({ createdAtMs, lastUsedAtMs }) =>
    lastUsedAtMs === null ? nowMs - createdAtMs > NEW_MS : nowMs - lastUsedAtMs > UNUSED_MS,
  );
  if (found.length === 0) return ok(name, 'none');
  return warn(name, `not used for a long time: ${listed(found)}`, 'revoke them with "holdfast token revoke ID"');
});

export const adminTokens = ofTokens('admin tokens', (tokens) => {
  const name = 'admin tokens';
  const found = tokens.filter(({ role }) => role === 'admin');
  if (found.length <= MOST_ADMINS) return ok(name, `${found.length} of ${tokens.length} valid tokens`);
  return warn(
    name,
    `${found.length} tokens have the role admin: ${listed(found)}`,
    'use the role operator or submitter',
  );
});
