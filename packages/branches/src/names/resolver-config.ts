/** The settings of `/etc/resolv.conf` for incomplete names. */
export interface ResolverConfig {
  /** Domains to append to a name, in this order. */
  readonly search: readonly string[];
  /** A name with at least this number of dots is tried unchanged first. */
  readonly ndots: number;
}

/** As in glibc. */
const MAX_SEARCH = 32;
const MAX_NDOTS = 15;

/**
 * Parses `search` (or `domain`; the later one counts) and `options ndots:N`; c-ares reads the
 * servers.
 */
export function parseResolverConfig(text: string): ResolverConfig {
  let search: readonly string[] = [];
  let ndots = 1;
  for (const line of text.split('\n')) {
    const [keyword, ...words] = line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/);
    if (keyword === 'search') search = words.filter((word) => word !== '.').slice(0, MAX_SEARCH);
    else if (keyword === 'domain') search = words.slice(0, 1);
    else if (keyword === 'options') {
      const given = words.map((word) => /^ndots:(\d{1,3})$/.exec(word)?.[1]).find((value) => value !== undefined);
      if (given !== undefined) ndots = Math.min(Number(given), MAX_NDOTS);
    }
  }
  return { search, ndots };
}

/** The complete names for a name, in the order in which glibc tries them. */
export function candidatesOf(name: string, { search, ndots }: ResolverConfig): readonly string[] {
  if (name.endsWith('.')) return [name];
  const completed = search.map((domain) => `${name}.${domain.replace(/\.$/, '')}`);
  const dots = name.split('.').length - 1;
  return dots >= ndots ? [name, ...completed] : [...completed, name];
}
