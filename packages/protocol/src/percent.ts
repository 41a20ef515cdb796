const ENCODED = /(?:%[\da-f]{2})+/gi;

/**
 * Whether the percent-encoded parts of a URL are UTF-8. Otherwise decoders replace different bytes
 * by the same character, so that two texts become equal.
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
