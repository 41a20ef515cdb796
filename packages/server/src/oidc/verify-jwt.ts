import type { LoginFailure } from '@holdfast/api';
import { principalFault } from '@holdfast/protocol';
import type { Principal } from '@holdfast/protocol';
import { ALGORITHMS, fitsKey, isAlgorithm } from './algorithms.ts';
import { type Claims, grantOf } from './claims.ts';
import { FairTurns } from './fair-turns.ts';
import type { IssuerKeys } from './issuer-keys.ts';
import { isObject, type IssuerKey, type KeySet } from './key-set.ts';
import type { OidcSettings } from './oidc-settings.ts';

/** The library; loaded only if OIDC is configured. */
export type Jose = Pick<typeof import('jose'), 'errors' | 'importJWK' | 'jwtVerify'>;

/** A JWT that is valid. */
export interface ValidJwt {
  readonly kind: 'valid';
  readonly principal: Principal;
  /** Until when, in ms since the epoch. */
  readonly untilMs: number;
  /** The `id` of the key that signed it. */
  readonly keyId: string;
}

/** Why a JWT is rejected. The fault follows "the JWT ", and contains nothing of it. */
export type RejectedJwt =
  | { readonly kind: 'rejected'; readonly reason: LoginFailure; readonly fault: string }
  /** Its bearer is known, and may do nothing here. */
  | { readonly kind: 'forbidden'; readonly fault: string };

/** Difference between the clocks of issuer and coordinator that does no harm. */
export const CLOCK_TOLERANCE_MS = 10_000;

/** Signatures that are checked at once, in other threads. */
const MOST_AT_ONCE = 8;

/** Verifies JWTs by the keys of one issuer. */
export class JwtVerifier {
  readonly #jose: Jose;
  readonly #settings: OidcSettings;
  readonly #keys: Pick<IssuerKeys, 'find'>;
  readonly #principalPrefix: string;
  readonly #turns = new FairTurns(MOST_AT_ONCE);

  constructor(jose: Jose, settings: OidcSettings, keys: Pick<IssuerKeys, 'find'>) {
    this.#jose = jose;
    this.#settings = settings;
    this.#keys = keys;
    this.#principalPrefix = `oidc:${new URL(settings.issuer).host}/`;
  }

  /**
   * Throws `unavailable` if the keys are not known now.
   *
   * @param origin where it comes from; signatures of one origin do not delay those of others
   */
  async verify(text: string, origin = ''): Promise<ValidJwt | RejectedJwt> {
    const read = readParts(text);
    if (typeof read === 'string') return rejected('malformed', read);
    const { header, claims } = read;
    const early = faultOfHeader(header) ?? this.#faultBeforeKeys(claims);
    if (early !== undefined) return early;
    const alg = String(header['alg']);
    const kid = header['kid'] as string | undefined;
    const key = await this.#keys.find((keys) => keyOf(keys, kid, alg));
    if (key === undefined)
      return rejected('rejected', kid === undefined ? NO_KID : 'is signed with a key that its issuer does not publish');
    const signedBy = (one: IssuerKey) => this.#turns.run(origin, () => this.#verifySigned(text, header, one));
    const verified = await signedBy(key);
    if (verified !== WRONG_SIGNATURE) return verified;
    // The issuer may have replaced the key by another one with the same kid, or without a kid.
    const other = await this.#keys.find((keys) => {
      const found = keyOf(keys, kid, alg);
      return found?.id === key.id ? undefined : found;
    });
    return other === undefined ? verified : signedBy(other);
  }

  /**
   * Faults that are found without the signature. These JWTs cause no fetch of keys, and their
   * senders learn the actual reason. Everything is checked again with the signature.
   */
  #faultBeforeKeys(claims: Claims): RejectedJwt | undefined {
    const { iss, aud, exp } = claims;
    const { issuer, audience } = this.#settings;
    if (iss !== issuer) return WRONG_ISSUER;
    if (aud !== audience && !(Array.isArray(aud) && aud.includes(audience))) return FAULTS['aud'];
    const fault = faultOfTimes(claims);
    if (fault !== undefined) return rejected('malformed', fault);
    return typeof exp === 'number' && exp * 1_000 + CLOCK_TOLERANCE_MS <= Date.now() ? EXPIRED : undefined;
  }

  async #verifySigned(text: string, header: Claims, key: IssuerKey): Promise<ValidJwt | RejectedJwt> {
    const { issuer, audience, claims: settings } = this.#settings;
    let claims: Claims;
    try {
      const { payload } = await this.#jose.jwtVerify(text, key.jwk, {
        issuer,
        audience,
        algorithms: [...ALGORITHMS],
        clockTolerance: CLOCK_TOLERANCE_MS / 1_000,
        requiredClaims: ['exp', 'sub'],
      });
      claims = payload;
    } catch (error) {
      return this.#faultOf(error);
    }
    const fault = faultOfUse(header, claims) ?? faultOfTimes(claims);
    if (fault !== undefined) return rejected('rejected', fault);
    const { sub, exp } = claims;
    if (!Number.isFinite(exp)) return FAULTS['exp'] ?? NOT_VALID;
    if (typeof sub !== 'string' || sub === '') return rejected('malformed', 'has no subject (sub)');
    const id = this.#principalPrefix + sub;
    const idFault = principalFault(id);
    if (idFault !== undefined) return rejected('malformed', `has a subject (sub) that ${idFault}, with its prefix`);
    const grant = grantOf(claims, settings);
    if (grant.kind === 'malformed') return rejected('malformed', grant.fault);
    if (grant.kind === 'nothing') return { kind: 'forbidden', fault: grant.fault };
    const { roles, namespaces } = grant;
    return {
      kind: 'valid',
      principal: { id, roles, ...(namespaces !== undefined && { namespaces }) },
      untilMs: Number(exp) * 1_000 + CLOCK_TOLERANCE_MS,
      keyId: key.id,
    };
  }

  #faultOf(error: unknown): RejectedJwt {
    const { errors } = this.#jose;
    if (error instanceof errors.JWTExpired) return EXPIRED;
    if (error instanceof errors.JWTClaimValidationFailed) return FAULTS[error.claim] ?? NOT_VALID;
    if (error instanceof errors.JWSSignatureVerificationFailed) return WRONG_SIGNATURE;
    if (error instanceof errors.JOSEError) return NOT_VALID;
    throw error;
  }
}

function rejected(reason: LoginFailure, fault: string): RejectedJwt {
  return { kind: 'rejected', reason, fault };
}

const EXPIRED = rejected('expired', 'has expired');
const WRONG_ISSUER = rejected('rejected', 'has another issuer (iss) than this coordinator accepts');
const WRONG_SIGNATURE = rejected('rejected', 'has a signature that does not match');
const NOT_VALID = rejected('malformed', 'is not well-formed');
const NO_KID = 'does not name its key (kid), and its issuer has several';

/** By the claim that is missing or wrong. */
const FAULTS: Readonly<Record<string, RejectedJwt>> = {
  iss: WRONG_ISSUER,
  aud: rejected('rejected', 'is not for this coordinator: wrong audience (aud)'),
  exp: rejected('malformed', 'has no valid expiry (exp)'),
  nbf: rejected('rejected', 'is not valid yet (nbf)'),
  iat: rejected('malformed', 'has no valid time of issue (iat)'),
  sub: rejected('malformed', 'has no subject (sub)'),
};

const PART = /^[\w-]+$/;

/** The header and the claims of a JWT, not verified; or what is wrong. */
function readParts(text: string): { readonly header: Claims; readonly claims: Claims } | string {
  const parts = text.split('.');
  if (parts.length === 5) return 'is encrypted; only signed ones are accepted';
  if (parts.length !== 3) return 'is not well-formed';
  const [header, claims] = parts.slice(0, 2).map(objectOf);
  if (header === undefined || claims === undefined) return 'is not well-formed';
  return { header, claims };
}

function objectOf(part: string): Claims | undefined {
  if (!PART.test(part)) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Types of JWTs that may be access tokens. Others have another purpose, such as a logout. */
const TYPES = ['jwt', 'at+jwt', 'application/at+jwt', 'application/jwt'];

function faultOfHeader({ alg, kid, typ, crit }: Claims): RejectedJwt | undefined {
  if (!isAlgorithm(alg)) return rejected('rejected', `must be signed with one of ${ALGORITHMS.join(', ')} (alg)`);
  if (kid !== undefined && typeof kid !== 'string')
    return rejected('malformed', 'has a key ID (kid) that is not a text');
  if (crit !== undefined) return rejected('rejected', 'requires extensions that are not supported (crit)');
  if (typ !== undefined && !(typeof typ === 'string' && TYPES.includes(typ.toLowerCase())))
    return rejected('rejected', 'is not an access token (typ)');
  return undefined;
}

/** The last second of the year 9999, which some issuers write for "never". */
const LATEST_S = 253_402_300_799;

/**
 * Why the times of a JWT cannot be meant. In milliseconds, an expiry would be thousands of years
 * later than its issuer intended.
 */
function faultOfTimes(claims: Claims): string | undefined {
  const name = ['exp', 'nbf', 'iat'].find((each) => isAfter(LATEST_S + 1, claims[each]));
  return name && `has a time after the year 9999 (${name}); times are in seconds since 1970, not in milliseconds`;
}

/** A claim that is not a number is not converted: its conversion may throw. */
const isAfter = (time: number, claim: unknown): boolean => typeof claim === 'number' && claim > time;

/** Claims that only ID tokens have. */
const ID_TOKEN_CLAIMS = ['at_hash', 'c_hash', 's_hash'];

/** Why a valid JWT must not be used as a bearer's access token. */
function faultOfUse({ typ }: Claims, claims: Claims): string | undefined {
  // A key or certificate that the caller would have to prove it holds.
  if (claims['cnf'] !== undefined) return 'is bound to a key (cnf); only bearer tokens are accepted';
  if (claims['events'] !== undefined) return 'is not an access token (events)';
  if (typeof typ === 'string' && typ.toLowerCase().endsWith('at+jwt')) return undefined;
  // Keycloak writes the use of each JWT into a claim: Bearer, ID, Refresh, Offline, Logout …
  const use = claims['typ'];
  if (use !== undefined && use !== 'Bearer') return 'is not an access token (typ)';
  const isIdToken =
    ID_TOKEN_CLAIMS.some((name) => claims[name] !== undefined) || (use === undefined && claims['nonce'] !== undefined);
  return isIdToken ? 'is an ID token; send the access token' : undefined;
}

function keyOf(keys: KeySet, kid: string | undefined, alg: string): IssuerKey | undefined {
  const fitting = keys.filter(({ jwk }) => fitsKey(alg, jwk));
  if (kid !== undefined) return fitting.find((key) => key.kid === kid);
  return fitting.length === 1 ? fitting[0] : undefined;
}
