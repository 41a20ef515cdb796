import type { AppendItem, Entry, WriteItem, WriteOutcome } from '@holdfast/core/store';
import type { Argument, Reply } from './connection.ts';
import { bytesOf, entryOf, statusOf, textOf } from './records.ts';

/**
 * Encodes a batch as the arguments of `WRITE`: few long arguments, since each argument costs time
 * on both sides.
 *
 * The first argument consists of words, each terminated by a NUL, which no text of a store
 * contains. Lengths are those of bodies, in bytes:
 *
 *   insert  i namespace gid writeId status owner due attention |state| pattern group |definition|
 *   update  u namespace gid writeId status owner due attention |state| expectVersion
 *   append  a namespace gid statuses pattern maxEntries maxBytes postpone entries,
 *           and for each entry: key |body|
 *
 * An absent owner, due time, pattern or delay is an empty word. Statuses are a list with a comma
 * before and after each.
 *
 * The other arguments are the bodies in the same order, concatenated. An argument ends where a body
 * ends; a large body is a separate argument.
 */
export function argumentsOf(batch: readonly WriteItem[]): Argument[] {
  let words = '';
  const bodies: Uint8Array[] = [];
  for (const item of batch) {
    if (item.kind === 'append') {
      words += wordsOfAppend(item);
      for (const { body } of item.entries) bodies.push(body);
      continue;
    }
    const { key, writeId, status, owner, dueInMs, attention, state } = item;
    words += `${item.kind === 'insert' ? 'i' : 'u'}\0${key.namespace}\0${key.gid}\0${writeId}\0${status}\0${owner ?? ''}\0`;
    words += `${wholeMs(dueInMs)}\0${attention ? '1' : '0'}\0${state.length}\0`;
    bodies.push(state);
    if (item.kind === 'update') {
      words += `${item.expectVersion}\0`;
    } else {
      words += `${item.pattern}\0${item.group}\0${item.definition.length}\0`;
      bodies.push(item.definition);
    }
  }
  return [words, ...joined(bodies)];
}

function wordsOfAppend({
  key,
  whenStatus,
  whenPattern,
  maxEntries,
  maxBytes,
  postponeMs,
  entries,
}: AppendItem): string {
  const most = Math.min(maxEntries, Number.MAX_SAFE_INTEGER);
  let words = `a\0${key.namespace}\0${key.gid}\0,${whenStatus.join(',')},\0${whenPattern ?? ''}\0${most}\0${maxBytes ?? ''}\0${wholeMs(postponeMs)}\0`;
  words += `${entries.length}\0`;
  for (const entry of entries) words += `${entry.key}\0${entry.body.length}\0`;
  return words;
}

const wholeMs = (ms: number | null | undefined): string =>
  ms === null || ms === undefined ? '' : String(Math.ceil(ms));

/**
 * Bodies share an argument up to this size: the server separates them again, at the cost of a copy.
 */
const JOINED_BYTES = 256 * 1024;

/** The bodies, concatenated in as few buffers as their sizes allow. */
function joined(bodies: readonly Uint8Array[]): Buffer[] {
  const buffers: Buffer[] = [];
  for (let from = 0; from < bodies.length;) {
    let bytes = bodies[from]?.length ?? 0;
    let to = from + 1;
    for (; to < bodies.length; to++) {
      const more = bodies[to]?.length ?? 0;
      if (bytes + more > JOINED_BYTES) break;
      bytes += more;
    }
    if (bytes > 0) buffers.push(Buffer.concat(bodies.slice(from, to), bytes));
    from = to;
  }
  return buffers;
}

const NONE: readonly Entry[] = [];

/** By the first letter of the word. */
const CONFLICTS: Readonly<
  Record<string, { readonly kind: 'conflict'; readonly full?: 'entries' | 'bytes' } | undefined>
> = {
  c: { kind: 'conflict' },
  e: { kind: 'conflict', full: 'entries' },
  b: { kind: 'conflict', full: 'bytes' },
};

/**
 * The outcome of each item, from the words that `WRITE` returns and the entries that follow them:
 * `a<version>` applied, `a<version>:<n>` applied, of which the next n entries existed already,
 * `c<version>:<status>` conflict (`e`, `b`: no room for the entries or their bytes), `m` missing.
 */
export function outcomesOf(reply: Reply | undefined, entries: readonly Reply[]): WriteOutcome[] {
  let taken = 0;
  return textOf(reply)
    .split(' ')
    .map((word) => {
      const colon = word.indexOf(':');
      const version = Number(colon < 0 ? word.slice(1) : word.slice(1, colon));
      if (word.startsWith('m')) return { kind: 'missing' };
      const conflict = CONFLICTS[word.slice(0, 1)];
      if (conflict !== undefined) return { ...conflict, status: statusOf(word.slice(colon + 1)), version };
      if (colon < 0) return { kind: 'applied', version, existing: NONE };
      const there = entries.slice(taken, (taken += Number(word.slice(colon + 1))));
      return { kind: 'applied', version, existing: there.map((entry) => entryOf(bytesOf(entry))) };
    });
}
