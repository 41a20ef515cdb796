import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { BranchCallContext } from '@holdfast/client';
import { embed } from '@holdfast/embed';
import { GrpcParticipant } from '@holdfast/testing/grpc-participant';

const BYTES = Buffer.from([0x0a, 0x01, 0xff]);

describe('an embedded coordinator', () => {
  let bank: GrpcParticipant;
  beforeEach(async () => {
    bank = await GrpcParticipant.start();
  });
  afterEach(() => bank[Symbol.asyncDispose]());

  it('calls functions of the process with JSON, and gRPC methods with encoded messages, in one tcc', async () => {
    const packed: unknown[] = [];
    const hf = await embed({
      store: 'memory:',
      application: 'shop',
      branches: { pack: (call: BranchCallContext<{ readonly bottles: number }>) => void packed.push(call.payload) },
    });
    onTestFinished(() => hf.close());
    const { pack } = hf.branches;
    const url = `grpc://${bank.url('TransOut')}`;
    await hf.tcc(
      async (tx) => {
        await tx.call({ try: pack, confirm: pack, cancel: null, payload: { bottles: 6 } });
        await tx.call({ try: url, confirm: url, cancel: null, payload: BYTES });
      },
      { wait: true },
    );
    expect(packed).toEqual([{ bottles: 6 }, { bottles: 6 }]);
    expect(bank.seen.map(({ message, metadata }) => [message, metadata['dtm-op']])).toEqual([
      [BYTES, 'try'],
      [BYTES, 'confirm'],
    ]);
    expect(() => hf.saga().step({ action: pack.url, compensate: null, payload: BYTES })).toThrow(
      /^steps\[0\]\.payload: bytes are sent to/,
    );
  });
});
