const ENCODED = /(?:%[\da-f]{2})+/gi;

/**
 * Whether the percent-encoded parts of a URL are UTF-8. Where they are not, readers put the same character into the place of different bytes, so that two texts
 * become one.
 */
export function isPercentEncodedUtf8(url: string): boolean {
  if (!url.includes('%')) return true;
  return (url.match(ENCODED) ?? []).every((part) => {
    try {
      decodeURIComponent(part);
      return true;
    } catch {
      return false;
    }
  });
}
