import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { framedMessage as framed } from '@holdfast/protocol/grpc';
import { MessageReader } from '../../src/grpc/message-reader.ts';

/** Adds a piece and takes the messages that are complete then. */
function push(reader: MessageReader, piece: Buffer): readonly Buffer[] {
  reader.add(piece);
  const messages: Buffer[] = [];
  for (let message = reader.next(); message !== undefined; message = reader.next()) messages.push(message);
  reader.keep();
  return messages;
}

describe('the messages of a call', () => {
  it('are the same however their bytes are cut', () => {
    const bytes = fc.uint8Array({ maxLength: 3_000 });
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 5 }), fc.array(fc.nat(4_000), { maxLength: 20 }), (messages, cuts) => {
        const reader = new MessageReader(4_000);
        const all = Buffer.concat(messages.map(framed));
        const read: Buffer[] = [];
        let at = 0;
        for (const cut of [...cuts, all.length]) {
          read.push(...push(reader, all.subarray(at, at + cut)));
          at = Math.min(all.length, at + cut);
        }
        expect(read.map((message) => [...message])).toEqual(messages.map((message) => [...message]));
        expect(reader.heldBytes).toBe(0);
      }),
    );
  });

  it('that arrive byte by byte are held in one buffer', () => {
    const reader = new MessageReader(100_000);
    const frame = framed(Buffer.alloc(100_000, 7));
    for (let at = 0; at < frame.length - 1; at++) expect(push(reader, frame.subarray(at, at + 1))).toEqual([]);
    expect(reader.heldBytes).toBe(frame.length - 1);
    expect(push(reader, frame.subarray(-1))).toEqual([Buffer.alloc(100_000, 7)]);
    expect(reader.heldBytes).toBe(0);
  });

  it('that were read do not change when later bytes arrive', () => {
    const reader = new MessageReader(100);
    const [first, second] = [framed(Buffer.from('first')), framed(Buffer.from('second'))];
    push(reader, first.subarray(0, 3));
    const [read] = push(reader, Buffer.concat([first.subarray(3), second.subarray(0, 4)]));
    push(reader, second.subarray(4));
    expect(read?.toString()).toBe('first');
  });
});
