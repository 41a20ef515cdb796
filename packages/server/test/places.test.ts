import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Places } from '../src/http/places.ts';
import type { Exchange } from '../src/http/exchange.ts';
import { SmallServer } from './support/small-server.ts';

const PLACES = 16;

/** A request whose client disconnects when the test decides. */
class Client {
  hangUp = (): void => {};
  readonly exchange = { onGone: (listener: () => void) => (this.hangUp = listener) } as unknown as Exchange;
}

function full(): Places {
  const places = new Places();
  for (let i = 0; i < PLACES; i++) expect(places.enter(new Client().exchange)).toBeUndefined();
  return places;
}

describe('requests for responses of any length', () => {
  it('receive the places in order of arrival', async () => {
    const places = full();
    const order: string[] = [];
    const enter = async (name: string): Promise<void> => {
      expect(await places.enter(new Client().exchange)).toBe(true);
      order.push(name);
    };
    const all = [enter('a'), enter('b'), enter('c')];
    places.leave();
    await all[0];
    expect(order).toEqual(['a']);
    places.leave();
    places.leave();
    await Promise.all(all);
    expect(order).toEqual(['a', 'b', 'c']);
  });

  it('stop waiting at their deadline, and take no place', async () => {
    const places = full();
    const late = places.enter(new Client().exchange, performance.now() + 5);
    await expect(late).rejects.toMatchObject({ code: 'deadline_exceeded', outcome: 'not_started' });
    expect(places.areAwaited).toBe(false);
    places.leave();
    expect(places.enter(new Client().exchange)).toBeUndefined();
  });

  it('stop waiting when their client has disconnected, and take no place', async () => {
    const places = full();
    const [gone, other] = [new Client(), new Client()];
    const waits = [places.enter(gone.exchange), places.enter(other.exchange)];
    gone.hangUp();
    expect(await waits[0]).toBe(false);
    places.leave();
    expect(await waits[1]).toBe(true);
    expect(places.areAwaited).toBe(false);
  });

  it('are rejected as overloaded when a thousand wait', () => {
    const places = full();
    for (let i = 0; i < 1_000; i++) void places.enter(new Client().exchange);
    expect(() => places.enter(new Client().exchange)).toThrow(expect.objectContaining({ code: 'overloaded' }));
  });
});

it('a server makes sixteen long responses at a time; a client that disconnects makes room for the next', async () => {
  let made = 0;
  function* endless(): Generator<string> {
    made++;
    for (;;) yield 'x'.repeat(100_000);
  }
  const reply = () =>
    ({ status: 200, head: ['Content-Type', 'text/plain'], body: endless(), encoding: 'utf8' }) as const;
  await using server = await SmallServer.start(undefined, 'own', reply);
  const request = (): Socket => {
    const socket = connect(server.port, '127.0.0.1');
    socket.write('GET /long HTTP/1.1\r\nHost: h\r\n\r\n');
    return socket;
  };
  const first = Array.from({ length: PLACES }, request);
  await Promise.all(first.map((socket) => once(socket, 'readable')));
  const [second, third] = [request(), request()];
  // Other requests are served in between.
  const response = await fetch(`http://127.0.0.1:${server.port}/echo`, { method: 'POST', body: 'x' });
  expect(await response.json()).toEqual({ body: 'x', x: null });
  expect(made).toBe(PLACES);
  first[0]?.destroy();
  await Promise.race([once(second, 'readable'), once(third, 'readable')]);
  expect(made).toBe(PLACES + 1);
  for (const socket of [...first, second, third]) socket.destroy();
});
