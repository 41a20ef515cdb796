/** What a field means to HTTP/2. The kinds up to `status` are pseudo-header fields. */
export const FIELD = {
  method: 0,
  scheme: 1,
  authority: 2,
  path: 3,
  status: 4,
  regular: 5,
  contentLength: 6,
  malformed: 7,
} as const;

/** A header field is counted with this many bytes besides its name and value (RFC 7541, 4.1). */
const FIELD_OVERHEAD = 32;

/**
 * A header field. Fields of the tables are shared by all messages that refer to them, so their
 * checks are made once.
 */
export class Field {
  readonly name: string;
  readonly value: string;
  /** One of `FIELD`. */
  readonly kind: number;
  /** The size by which tables and lists are bounded. */
  readonly bytes: number;

  constructor(name: string, value: string) {
    this.name = name;
    this.bytes = name.length + value.length + FIELD_OVERHEAD;
    this.kind = kindOf(name, value);
    this.value = OUTER_SPACE.test(value) ? stripped(value) : value;
  }
}

const PSEUDO: Readonly<Record<string, number>> = {
  ':method': FIELD.method,
  ':scheme': FIELD.scheme,
  ':authority': FIELD.authority,
  ':path': FIELD.path,
  ':status': FIELD.status,
};

/** Printable ASCII without upper case and colons (RFC 9113, 8.2.1). */
const NAME = /^[!-9;-@[-~]+$/;
const FORBIDDEN_IN_VALUE = /[\0\r\n]/;
/**
 * HTTP/2 calls a message malformed if a value has spaces around it. gRPC permits to strip them, and
 * its servers send messages of errors as they are.
 */
const OUTER_SPACE = /^[ \t]|[ \t]$/;

/** Fields that describe a connection of HTTP/1.1 (RFC 9113, 8.2.2). */
const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

const isSpace = (code: number): boolean => code === 0x20 || code === 0x09;

function stripped(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isSpace(value.charCodeAt(start))) start++;
  while (end > start && isSpace(value.charCodeAt(end - 1))) end--;
  return value.slice(start, end);
}

function kindOf(name: string, value: string): number {
  if (FORBIDDEN_IN_VALUE.test(value)) return FIELD.malformed;
  if (name.startsWith(':')) return Object.hasOwn(PSEUDO, name) ? (PSEUDO[name] as number) : FIELD.malformed;
  if (!NAME.test(name) || CONNECTION_FIELDS.has(name)) return FIELD.malformed;
  if (name === 'te' && value !== 'trailers') return FIELD.malformed;
  return name === 'content-length' ? FIELD.contentLength : FIELD.regular;
}
