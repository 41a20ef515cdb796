/** What a caller of secured coordinators has. */
export interface Access {
  /** Authority of the coordinators' and the participants' certificates, PEM. */
  readonly ca: string;
  /** The API token, read for each call; empty: none. */
  readonly token: () => string;
}

/** The value of `Authorization`, or of the metadata with this name; undefined without a token. */
export function authorizationOf(access: Access | undefined): string | undefined {
  const token = access?.token() ?? '';
  return token === '' ? undefined : `Bearer ${token}`;
}
