import { type Role, ROLES } from '@holdfast/protocol';
import { ConfigError } from '../config/config-error.ts';
import { flagOf, OPTION_NAMES, type OptionName, OPTIONS, type ServerConfig } from '../config/options.ts';
import { isLoopback } from '../http/known-hosts.ts';
import { type ClaimPath, type ClaimSettings, readClaimPath } from './claims.ts';

/** How JWTs are verified, and what their claims mean. */
export interface OidcSettings {
  /** Compared with `iss` as it is written. */
  readonly issuer: string;
  /** Must be `aud`, or one of its values. */
  readonly audience: string;
  /** Where the keys are published; undefined: the issuer's discovery document states it. */
  readonly jwksUrl: URL | undefined;
  readonly claims: ClaimSettings;
}

/** These have no meaning without an issuer. */
const DEPENDENT = OPTION_NAMES.filter((name) => name.startsWith('oidc') && name !== 'oidcIssuer');
const LONGEST = 2_000;

/** The settings of OIDC; undefined: JWTs are not accepted. Throws `ConfigError`. */
export function oidcSettingsOf(config: ServerConfig): OidcSettings | undefined {
  const { oidcIssuer: issuer, oidcAudience: audience, oidcJwksUrl, auth } = config;
  if (issuer === '') {
    const given = DEPENDENT.find((name) => String(config[name]) !== String(OPTIONS[name].default));
    if (given !== undefined) throw fault(given, 'requires --oidc-issuer');
    return undefined;
  }
  if (!auth) throw fault('oidcIssuer', 'has no effect without --auth; specify both');
  if (audience === '')
    throw fault('oidcIssuer', "requires --oidc-audience: JWTs for the issuer's other services must not be valid here");
  if (audience.length > LONGEST) throw fault('oidcAudience', `must have at most ${LONGEST} characters`);
  const url = urlOf(issuer);
  if (url === undefined || url.search !== '') throw fault('oidcIssuer', NOT_A_URL);
  const jwksUrl = oidcJwksUrl === '' ? undefined : urlOf(oidcJwksUrl);
  if (oidcJwksUrl !== '' && jwksUrl === undefined) throw fault('oidcJwksUrl', NOT_A_URL);
  return {
    issuer,
    audience,
    jwksUrl,
    claims: {
      roles: pathOf(config, 'oidcRolesClaim'),
      roleOf: roleMapOf(config.oidcRoles),
      namespaces: config.oidcNamespacesClaim === '' ? undefined : pathOf(config, 'oidcNamespacesClaim'),
    },
  };
}

const NOT_A_URL = 'must be an https:// URL without user, query and fragment (http:// only on loopback)';

/**
 * A URL from which keys may be fetched. Without TLS, a host in between could replace the keys.
 * Undefined if it is not one.
 */
export function urlOf(text: string): URL | undefined {
  if (text.length > LONGEST || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.username !== '' || url.password !== '' || url.hash !== '') return undefined;
  const isAllowed = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname));
  return isAllowed ? url : undefined;
}

function pathOf(config: ServerConfig, name: 'oidcRolesClaim' | 'oidcNamespacesClaim'): ClaimPath {
  const path = readClaimPath(config[name]);
  if (path === undefined)
    throw fault(
      name,
      String.raw`must be the name of a claim, or a path such as realm_access.roles (a dot within a name: \.)`,
    );
  return path;
}

/** Without entries, the values are the names of roles. With entries, nothing else has a meaning. */
function roleMapOf(entries: readonly string[]): ReadonlyMap<string, Role> {
  if (entries.length === 0) return new Map(ROLES.map((role) => [role, role]));
  const roles = new Map<string, Role>();
  for (const entry of entries) {
    const at = entry.lastIndexOf('=');
    const value = entry.slice(0, Math.max(at, 0)).trim();
    const role = ROLES.find((one) => one === entry.slice(at + 1).trim());
    if (at < 1 || value === '' || role === undefined)
      throw fault(
        'oidcRoles',
        `must have entries VALUE=ROLE with a role of ${ROLES.join(', ')}, not ${JSON.stringify(entry)}`,
      );
    if (roles.has(value)) throw fault('oidcRoles', `has two entries for ${JSON.stringify(value)}`);
    roles.set(value, role);
  }
  return roles;
}

const fault = (name: OptionName, text: string): ConfigError => new ConfigError(`${flagOf(name)} ${text}`, name);
