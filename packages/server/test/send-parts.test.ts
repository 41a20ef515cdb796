import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { sendParts } from '../src/http/send-parts.ts';

test('a response of which a part cannot be made is broken off', async () => {
  const stream = new PassThrough();
  const written: string[] = [];
  function* parts(): Generator<string> {
    yield 'first';
    throw new TypeError('cannot be made');
  }
  await sendParts(stream, parts(), (part) => written.push(part) > 0);
  expect(written).toEqual(['first']);
  expect(stream.destroyed).toBe(true);
});

test('nothing more is made for a receiver that is gone', async () => {
  const stream = new PassThrough();
  let made = 0;
  function* parts(): Generator<string> {
    for (;;) yield String(++made);
  }
  await sendParts(stream, parts(), () => {
    if (made === 3) stream.destroy();
    return true;
  });
  expect(made).toBe(4);
});
