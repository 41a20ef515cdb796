import { StoreError } from '../store.ts';

/** Characters of a user or a password that end it, or begin something else, unless they are percent-encoded. */
const ENCODE =
  'in a user or a password, characters such as @ / ? # : % [ ] must be percent-encoded (@ as %40, / as %2F, ? as %3F, # as %23, : as %3A, % as %25)';

/**
 * Reads the URL of a store. Throws `StoreError` `invalid`, which repeats nothing of the URL but its scheme, for a password
 * may be anywhere in a URL that cannot be read.
 *
 * @param schemes with the colon, such as `redis:`
 * @param example such a URL, as it is to be written
 */
export function readStoreUrl(text: string, schemes: readonly string[], example: string): URL {
  if (!URL.canParse(text)) throw unreadable(text, example);
  const url = new URL(text);
  if (!schemes.includes(url.protocol))
    throw new StoreError(
      'invalid',
      `a store URL of this kind begins with ${schemes.map((scheme) => `${scheme}//`).join(' or ')}; it looks like ${example}`,
    );
  // A password that was cut off at such a character left the rest, with the @ of the host, behind it.
  if (url.hash !== '' || (url.pathname + url.search).includes('@')) throw unreadable(text, example);
  for (const part of [url.username, url.password, url.pathname]) decodeUrlPart(part);
  return url;
}

/** A part of a URL without its percent-encoding. Throws `StoreError` `invalid`. */
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
