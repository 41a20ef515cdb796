import { StoreError } from '../store/store.ts';

/**
 * Characters in a user name or password that must be percent-encoded, because they end it or begin
 * another part.
 */
const ENCODE =
  'in a user or a password, characters such as @ / ? # : % [ ] must be percent-encoded (@ as %40, / as %2F, ? as %3F, # as %23, : as %3A, % as %25)';

/**
 * Parses the URL of a store. Throws `StoreError` `invalid`, which repeats only the URL's scheme: in
 * a malformed URL the password may be anywhere.
 * @param schemes with the colon, such as `redis:`
 * @param example a correct URL, for the message
 */
export function readStoreUrl(text: string, schemes: readonly string[], example: string): URL {
  if (!URL.canParse(text)) throw unreadable(text, example);
  const url = new URL(text);
  if (!schemes.includes(url.protocol))
    throw new StoreError(
      'invalid',
      `a store URL of this kind begins with ${schemes.map((scheme) => `${scheme}//`).join(' or ')}; it looks like ${example}`,
    );
  // If such a character cut the password off, its rest and the @ of the host follow it.
  if (url.hash !== '' || (url.pathname + url.search).includes('@')) throw unreadable(text, example);
  for (const part of [url.username, url.password, url.pathname]) decodeUrlPart(part);
  return url;
}

/** Decodes the percent-encoding of a part of a URL. Throws `StoreError` `invalid`. */
export function decodeUrlPart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new StoreError('invalid', `the store URL has a % that begins no escape: write it as %25; ${ENCODE}`);
  }
}

const unreadable = (text: string, example: string): StoreError =>
  new StoreError(
    'invalid',
    `the store URL cannot be read; it looks like ${example}${text.includes('@') ? `; ${ENCODE}` : ''}`,
  );
