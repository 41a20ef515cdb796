import { holdfastService } from '@holdfast/protocol/grpc';
import { describe, expect, it } from 'vitest';

describe('a list of messages that is far too long', () => {
  // An empty message takes two bytes, and a message of 4 MiB has room for two million of them.
  const emptyMessages = (count: number): Uint8Array => Buffer.from('0a00'.repeat(count), 'hex');
  const decoded = (bytes: Uint8Array): unknown => holdfastService().streams.watch.decodeInput(bytes, () => undefined);

  it('is rejected while it is read', () => {
    expect(() => decoded(emptyMessages(90_000))).toThrow('transactions has more than 5000 elements');
  });

  it('is read if only the limits of the API reject it', () => {
    expect(decoded(emptyMessages(5_000))).toMatchObject({ input: { body: { transactions: { length: 5_000 } } } });
  });
});
