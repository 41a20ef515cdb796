import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { Protocol } from './plan.ts';
import type { KeyKind } from './secured/signing-keys.ts';

/**
 * A line of the participants' journal, as JSON. The line is the unit of atomicity: barrier rows and
 * the change that they protect are in the same line. The participants are never killed, so a
 * written line is kept.
 */
export type JournalLine = CallLine | CommitLine | ResponseLine | UnverifiedLine;

/** The op and branch that the caller specified. */
export interface OpId {
  readonly gid: string;
  readonly branchId: string;
  readonly op: string;
}

/** The other side of a call. */
export interface Caller {
  /** Its address: each coordinator of several has its own. */
  readonly from: string;
  readonly protocol: Protocol;
  /** The key that signed the call; undefined if participants do not verify calls. */
  readonly signedBy?: KeyKind;
}

/** A call came in. */
export interface CallLine extends OpId, Caller {
  readonly kind: 'call';
  /**
   * Whom the URL was made for: `gid branchId op`. A coordinator that mixes transactions up calls it
   * in another's name.
   */
  readonly madeFor: string;
  /** ms since the epoch. */
  readonly atMs: number;
}

/** A local transaction was committed. */
export interface CommitLine extends OpId {
  readonly kind: 'commit';
  /** Barrier rows it inserted. */
  readonly rows: readonly BarrierRow[];
  /** Why the business function was left out; empty if it ran. */
  readonly skipped: '' | 'empty' | 'repeated';
  /** What the business function changed. */
  readonly effect: Effect | null;
}

/** A row of the barrier's table. */
export interface BarrierRow extends OpId {
  readonly barrierId: string;
  /** The op that inserted it. */
  readonly reason: string;
}

/** A change of one account by the amount in the request's body. */
export interface Effect {
  readonly account: string;
  readonly amount: number;
}

/** The response to the call. */
export interface ResponseLine extends OpId {
  readonly kind: 'response';
  readonly result: 'success' | 'failure' | 'ongoing' | 'unknown' | 'lost';
  /** Whom it goes to, and when. */
  readonly from: string;
  readonly atMs: number;
}

/** A call without a valid signature came in, and was rejected. */
export interface UnverifiedLine extends OpId, Caller {
  readonly kind: 'unverified';
  readonly reason: string;
  readonly atMs: number;
}

/**
 * A line and the offset of its end in the file, which shows whether the line was present when the
 * file had a given size.
 */
export interface Placed<T> {
  readonly line: T;
  readonly text: string;
  readonly endByte: number;
}

/** An append-only file of JSON lines. */
export interface LineWriter<T> {
  /** Returns when the line is written. */
  append(line: T): void;
  close(): void;
}

/** Opens (or creates) a file of lines for appending. */
export function openLines<T>(path: string): LineWriter<T> {
  const file = openSync(path, 'a');
  return {
    append(line) {
      const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
      if (writeSync(file, bytes) !== bytes.length) throw new Error(`${path}: a line was written in part`);
    },
    close: () => closeSync(file),
  };
}

/** Reads a file of lines; a last line without its end was never written and is left out. */
export function readLines<T>(path: string): Placed<T>[] {
  let endByte = 0;
  const placed: Placed<T>[] = [];
  for (const text of readFileSync(path, 'utf8').split('\n').slice(0, -1)) {
    endByte += Buffer.byteLength(text) + 1;
    placed.push({ line: JSON.parse(text) as T, text, endByte });
  }
  return placed;
}
