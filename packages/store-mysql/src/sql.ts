import { StoreError } from '@holdfast/core/store';
import { type Pattern, PATTERNS, type Status, STATUSES, textOfThrown } from '@holdfast/protocol';

/*
 * Parts of statements as text. The connection's character set is `binary`: a character of a
 * statement is a byte, as in stored values; texts are stored as UTF-8.
 */

// eslint-disable-next-line no-control-regex
const ASCII = /^[\x00-\x7f]*$/;

/**
 * Connections have `NO_BACKSLASH_ESCAPES`, so that only the quote must be escaped: bodies are JSON,
 * with many backslashes.
 */
const quoted = (bytes: string): string => `'${bytes.includes("'") ? bytes.replaceAll("'", "''") : bytes}'`;

/** A text as a literal. */
export const text = (value: string): string =>
  quoted(ASCII.test(value) ? value : Buffer.from(value, 'utf8').toString('latin1'));

/** Bytes as a literal. */
export const bytes = (body: Uint8Array): string =>
  quoted(
    (Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength)).toString('latin1'),
  );

/** Larger integers are not exact. */
const MOST = Number.MAX_SAFE_INTEGER;

/** An integer as a literal; fractions are rounded up, and values beyond `MOST` are clamped. */
export function number(value: number): string {
  if (typeof value !== 'number' || Number.isNaN(value))
    throw new StoreError('invalid', `${textOfThrown(value)} is not a number`);
  return String(Math.min(MOST, Math.max(-MOST, Math.ceil(value))) + 0);
}

const WORDS: ReadonlyMap<string, string> = new Map([...STATUSES, ...PATTERNS].map((each) => [each, quoted(each)]));

/** A status or a pattern as a literal. */
export function word(value: Status | Pattern): string {
  const literal = WORDS.get(value);
  if (literal === undefined) throw new StoreError('invalid', `${value} is not a word that this version knows`);
  return literal;
}

/** One row of a table of literals. */
export type LiteralRow = readonly string[];

/**
 * Rows of literals as a table for `from`, in their order. MariaDB and MySQL both support this form.
 * Joined with `straight_join`, the other table's rows are found one after the other in this order,
 * so that all nodes lock in the same order.
 */
export function tableOf(name: string, columns: readonly string[], rows: readonly LiteralRow[]): string {
  const [first = [], ...others] = rows;
  const named = first.map((literal, i) => `${literal} as ${columns[i] ?? ''}`).join(', ');
  return `(${[`select ${named}`, ...others.map((row) => `select ${row.join(', ')}`)].join(' union all ')}) as ${name}`;
}

/** Rows of literals after `values`. */
export const valuesOf = (rows: readonly LiteralRow[]): string => rows.map((row) => `(${row.join(', ')})`).join(', ');
