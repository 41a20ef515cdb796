import { FIELD, type Field } from '../hpack/field.ts';

/** Bits of the pseudo-header fields of a request: method, scheme and path. */
const REQUIRED = (1 << FIELD.method) | (1 << FIELD.scheme) | (1 << FIELD.path);
const REQUEST = REQUIRED | (1 << FIELD.authority);
const STATUS = 1 << FIELD.status;

/** Whether the fields are those of a request (RFC 9113, 8.2 and 8.3). CONNECT is not supported. */
export function isRequest(fields: readonly Field[]): boolean {
  const pseudo = pseudoFieldsOf(fields, REQUEST);
  return pseudo !== undefined && (pseudo & REQUIRED) === REQUIRED && valueOf(fields, FIELD.path) !== '';
}

/** Whether the fields are those of a response. */
export function isResponse(fields: readonly Field[]): boolean {
  return pseudoFieldsOf(fields, STATUS) === STATUS && /^[1-9]\d\d$/.test(valueOf(fields, FIELD.status) ?? '');
}

/** Whether a response is followed by another one: its status is 1xx. */
export const isInformational = (fields: readonly Field[]): boolean =>
  valueOf(fields, FIELD.status)?.startsWith('1') === true;

/** Whether the fields are trailers: there are no pseudo-header fields. */
export const areTrailers = (fields: readonly Field[]): boolean => pseudoFieldsOf(fields, 0) === 0;

/** The bytes that a message announces: -1 without an announcement, undefined: malformed. */
export function contentLengthOf(fields: readonly Field[]): number | undefined {
  let length = -1;
  for (const { kind, value } of fields) {
    if (kind !== FIELD.contentLength) continue;
    if (!/^\d{1,15}$/.test(value) || (length !== -1 && length !== Number(value))) return undefined;
    length = Number(value);
  }
  return length;
}

/** The value of the first field with a name. */
export function fieldIn(fields: readonly Field[], name: string): string | undefined {
  for (const field of fields) if (field.name === name) return field.value;
  return undefined;
}

function valueOf(fields: readonly Field[], kind: number): string | undefined {
  for (const field of fields) if (field.kind === kind) return field.value;
  return undefined;
}

/**
 * The bits of the pseudo-header fields. Undefined if a field is malformed, and if a pseudo-header
 * field is not allowed, repeated or after another field.
 */
function pseudoFieldsOf(fields: readonly Field[], allowed: number): number | undefined {
  let seen = 0;
  let isRegular = false;
  for (const { kind } of fields) {
    if (kind === FIELD.malformed) return undefined;
    if (kind >= FIELD.regular) {
      isRegular = true;
      continue;
    }
    const bit = 1 << kind;
    if (isRegular || (seen & bit) !== 0 || (allowed & bit) === 0) return undefined;
    seen |= bit;
  }
  return seen;
}
