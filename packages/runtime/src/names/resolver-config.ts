/** What `/etc/resolv.conf` says about names that are not complete. */
export interface ResolverConfig {
  /** Domains that are appended to a name, in this order. */
  readonly search: readonly string[];
  /** A name with at least this number of dots is tried as it is first. */
  readonly ndots: number;
}

/** As in glibc. */
const MAX_SEARCH = 32;
const MAX_NDOTS = 15;

/** Reads `search` (or `domain`, the later of them) and `options ndots:N`; the servers are read by c-ares. */
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

/** The complete names that a name may stand for, in the order in which glibc tries them. */
export function candidatesOf(name: string, { search, ndots }: ResolverConfig): readonly string[] {
  if (name.endsWith('.')) return [name];
  const completed = search.map((domain) => `${name}.${domain.replace(/\.$/, '')}`);
  const dots = name.split('.').length - 1;
  return dots >= ndots ? [name, ...completed] : [...completed, name];
}
