import { createHash } from 'node:crypto';

/**
 * The chain of the audit log. Each entry is stored as one line of JSON whose last member is the
 * hash of the line without that member, and which contains the hash of the entry before it:
 *
 *     {"sequence":7,"prev":"<hash of entry 6>","atMs":…,…,"hash":"<SHA-256, hexadecimal>"}
 *
 * The hash is computed over the bytes as stored, so that nothing depends on how a reader would
 * write the JSON again.
 */

/** A point of the chain: an entry, or the beginning. */
export interface ChainPoint {
  /** The sequence number of the entry; 0: before the first. */
  readonly sequence: number;
  readonly hash: string;
}

/** Before the first entry. */
export const CHAIN_START: ChainPoint = { sequence: 0, hash: '0'.repeat(64) };

/** The last member of a line, with its fixed length. */
const SEAL = /,"hash":"([0-9a-f]{64})"\}$/;
const SEAL_LENGTH = `,"hash":"${CHAIN_START.hash}"}`.length;

/** What an entry contains besides its place in the chain. */
export interface AuditFields {
  readonly atMs: number;
  readonly kind: AuditKind;
  readonly [field: string]: unknown;
}

/**
 * - `begun`: an action was about to be carried out.
 * - `result`: the result of the action that the entry `begun` describes.
 * - `denied`: the caller's role did not allow an action, which was not carried out.
 * - `changed`: a node uses other settings, or another content of a file that a setting names.
 * - `pruned`: entries are deleted, because of their age.
 */
export type AuditKind = 'begun' | 'result' | 'denied' | 'changed' | 'pruned';

/** An entry as stored. */
export interface ChainEntry extends ChainPoint {
  readonly prev: string;
  readonly fields: AuditFields;
}

/** The line of the entry after `head`, and its point. */
export function sealed(head: ChainPoint, fields: AuditFields): { readonly line: string; readonly point: ChainPoint } {
  const sequence = head.sequence + 1;
  const text = JSON.stringify({ sequence, prev: head.hash, ...fields });
  const hash = hashOf(text);
  return { line: `${text.slice(0, -1)},"hash":"${hash}"}`, point: { sequence, hash } };
}

/** Reads a line without comparing its hash; undefined if it is not an entry. */
export function readEntry(line: string): ChainEntry | undefined {
  const [, hash] = SEAL.exec(line) ?? [];
  if (hash === undefined) return undefined;
  let fields: Partial<AuditFields> & { readonly sequence?: unknown; readonly prev?: unknown };
  try {
    fields = JSON.parse(line) as typeof fields;
  } catch {
    return undefined;
  }
  const { sequence, prev, atMs, kind } = fields;
  if (typeof sequence !== 'number' || typeof prev !== 'string' || typeof atMs !== 'number') return undefined;
  if (typeof kind !== 'string') return undefined;
  return { sequence, prev, hash, fields: { ...fields, atMs, kind } };
}

/** Whether the hash of a line is that of its content. */
export const isIntact = (line: string): boolean => SEAL.exec(line)?.[1] === hashOf(`${line.slice(0, -SEAL_LENGTH)}}`);

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');
