import { Field } from './field.ts';

/** The static table (RFC 7541, appendix A) in its order; names and values are separated by `=`. */
const ENTRIES = [
  ':authority',
  ':method=GET',
  ':method=POST',
  ':path=/',
  ':path=/index.html',
  ':scheme=http',
  ':scheme=https',
  ':status=200',
  ':status=204',
  ':status=206',
  ':status=304',
  ':status=400',
  ':status=404',
  ':status=500',
  'accept-charset',
  'accept-encoding=gzip, deflate',
  'accept-language',
  'accept-ranges',
  'accept',
  'access-control-allow-origin',
  'age',
  'allow',
  'authorization',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-range',
  'content-type',
  'cookie',
  'date',
  'etag',
  'expect',
  'expires',
  'from',
  'host',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'last-modified',
  'link',
  'location',
  'max-forwards',
  'proxy-authenticate',
  'proxy-authorization',
  'range',
  'referer',
  'refresh',
  'retry-after',
  'server',
  'set-cookie',
  'strict-transport-security',
  'transfer-encoding',
  'user-agent',
  'vary',
  'via',
  'www-authenticate',
];

/** The number of the static table's entries; the entries of the dynamic table follow. */
export const STATIC_LENGTH = ENTRIES.length;

/** The static table; its first entry has the index 1. */
export const STATIC_TABLE: readonly Field[] = ENTRIES.map((entry) => {
  const [name = '', value = ''] = entry.split('=');
  return new Field(name, value);
});

/** The lowest index with each name. */
export const INDEX_OF_NAME: ReadonlyMap<string, number> = new Map(
  STATIC_TABLE.map(({ name }, at) => [name, at + 1] as const).toReversed(),
);

/** The index of each field with a value, by `name=value`. */
export const INDEX_OF_FIELD: ReadonlyMap<string, number> = new Map(
  ENTRIES.map((entry, at) => [entry, at + 1] as const).filter(([entry]) => entry.includes('=')),
);
