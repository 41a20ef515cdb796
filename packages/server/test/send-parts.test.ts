import { PassThrough } from 'node:stream';
import { afterEach, expect, test, vi } from 'vitest';
import type { Part } from '../src/http/reply.ts';
import { sendParts } from '../src/http/send-parts.ts';

test('a response is aborted if one of its parts cannot be produced', async () => {
  const stream = new PassThrough();
  const written: Part[] = [];
  function* parts(): Generator<string> {
    yield 'first';
    throw new TypeError('cannot be made');
  }
  await sendParts(stream, parts(), (part) => written.push(part) > 0);
  expect(written).toEqual(['first']);
  expect(stream.destroyed).toBe(true);
});

test('no more parts are produced for a receiver that has disconnected', async () => {
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

afterEach(() => void vi.useRealTimers());

/** One that is full, and whose receiver takes nothing. */
const stalled = (): PassThrough => new PassThrough({ highWaterMark: 1 });

test('a receiver that reads nothing for as long as a connection may be idle is disconnected', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const stream = stalled();
  const sent = sendParts(stream, ['ab', 'cd', 'ef'], (part) => stream.write(part));
  await turn();
  vi.advanceTimersByTime(74_999);
  expect(stream.destroyed).toBe(false);
  vi.advanceTimersByTime(1);
  expect(stream.destroyed).toBe(true);
  await sent;
  expect(vi.getTimerCount()).toBe(0);
});

test('the idle time of a receiver restarts with each part that it reads', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const stream = stalled();
  const sent = sendParts(stream, ['ab', 'cd', 'ef', 'gh'], (part) => stream.write(part));
  for (let part = 0; part < 3; part++) {
    await turn();
    vi.advanceTimersByTime(70_000);
    stream.read();
  }
  await turn();
  expect(stream.destroyed).toBe(false);
  vi.advanceTimersByTime(75_000);
  await sent;
});

const turn = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => void setImmediate(resolve));
};
