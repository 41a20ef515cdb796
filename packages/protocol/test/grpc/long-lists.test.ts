import { LIMITS } from '@holdfast/protocol';
import { holdfastService } from '@holdfast/protocol/grpc';
import { describe, expect, it } from 'vitest';
import type { MessageShape, ValueShape } from '../../src/grpc/v1/shape.ts';

const { operations, streams } = holdfastService();

describe('a request over gRPC', () => {
  // An empty message takes two bytes, and a request of 4 MiB has room for two million of them.
  const emptyMessages = (count: number): Uint8Array => Buffer.from('0a00'.repeat(count), 'hex');

  it('is read until a list of messages has twice as many elements as the API accepts', () => {
    const decoded = (bytes: Uint8Array): unknown => streams.watch.decodeInput(bytes, () => undefined);
    expect(() => decoded(emptyMessages(201))).toThrow('transactions has more than 200 elements');
    expect(decoded(emptyMessages(200))).toMatchObject({ input: { body: { transactions: { length: 200 } } } });
  });

  it('has a limit for each list of messages, so that a small request cannot take long to read', () => {
    const requests = [...Object.values(operations), ...Object.values(streams)].map(({ request }) => request);
    const limits = requests.flatMap((request) => messageListsOf(request));
    expect(limits).toEqual([2 * LIMITS.steps, 2 * LIMITS.watchedTransactions]);
  });

  it('has no more fields in total than one in JSON', () => {
    const { createTransaction } = operations;
    const repeated = Buffer.from('0a0161'.repeat(LIMITS.requestFields + 1), 'hex');
    expect(() => createTransaction.decodeInput(repeated, () => undefined)).toThrow('the message has more than 20000');
  });
});

/** The limits of the lists of messages within a message. */
function messageListsOf({ fields }: MessageShape): readonly number[] {
  return fields.flatMap(({ value }) => listsIn(value));
}

function listsIn(value: ValueShape): readonly number[] {
  if (value.kind === 'message') return messageListsOf(value.message);
  if (value.kind !== 'list' || value.of.kind !== 'message') return [];
  return [value.most, ...messageListsOf(value.of.message)];
}
