import type { WriteItem, WriteOutcome } from '@holdfast/core';
import type { Argument, Reply } from './connection.ts';
import { bytesOf, entryOf, listOf, textOf } from './records.ts';
import { StoreError } from '@holdfast/core';
import { STATUSES } from '@holdfast/protocol';

const bytes = (body: Uint8Array): Buffer => Buffer.from(body.buffer, body.byteOffset, body.byteLength);
const wholeMs = (ms: number | null | undefined): string =>
  ms === null || ms === undefined ? '' : String(Math.ceil(ms));

/** The arguments of `WRITE` for items. */
export function argumentsOf(batch: readonly WriteItem[]): Argument[] {
  const args: Argument[] = [];
  for (const item of batch) {
    const { namespace, gid } = item.key;
    if (item.kind === 'append') {
      const most = Math.min(item.maxEntries, Number.MAX_SAFE_INTEGER);
      args.push(
        'a',
        namespace,
        gid,
        `,${item.whenStatus.join(',')},`,
        most,
        wholeMs(item.postponeMs),
        item.entries.length,
      );
      for (const { key, body } of item.entries) args.push(key, bytes(body));
      continue;
    }
    args.push(item.kind === 'insert' ? 'i' : 'u', namespace, gid, item.writeId, item.status, item.owner ?? '');
    args.push(wholeMs(item.dueInMs), item.attention ? '1' : '0', bytes(item.state));
    if (item.kind === 'insert') args.push(item.pattern, item.group, bytes(item.definition));
    else args.push(item.expectVersion);
  }
  return args;
}

/** What became of an item. */
export function outcomeOf(reply: Reply): WriteOutcome {
  const [kind, first, second, ...rest] = listOf(reply);
  switch (textOf(kind)) {
    case 'a': {
      const existing =
        second === undefined ? [] : [second, ...rest].flatMap((part, i) => (i % 2 === 1 ? entryOf(bytesOf(part)) : []));
      return { kind: 'applied', version: Number(textOf(first)), existing };
    }
    case 'm':
      return { kind: 'missing' };
    default: {
      const status = STATUSES.find((known) => known === textOf(first));
      if (status === undefined)
        throw new StoreError(
          'unsupported_format',
          `a record has the status ${textOf(first)}, which this Holdfast does not know`,
        );
      return { kind: 'conflict', status, version: Number(textOf(second)) };
    }
  }
}
