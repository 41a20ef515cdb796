import type { Store } from '@holdfast/core/store';
import { type Garble, garblingProxy } from '../servers/index.ts';
import { expect, it, onTestFinished } from 'vitest';
import { insertOf, updateOf } from './items.ts';
import { untilResponse } from './server-failures.ts';

/** Calls end well within this; a response that never becomes complete costs as much. */
const SHORT_TIMEOUT_MS = 500;
/** A response that was cut short may cost its connection's timeout in each round. */
const ROUNDS = 10;
const KEYS = ['a', 'b', 'c'].map((gid) => ({ namespace: 'default', gid }));

/** A source of numbers from 0 to 1 that gives the same ones each time. */
function numbersOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Ways in which what lies between spoils a response. */
function garblesOf(random: () => number): Readonly<Record<string, Garble>> {
  const at = (sent: Buffer): number => Math.floor(random() * sent.length);
  const noise = (): Buffer => Buffer.from(Array.from({ length: 1 + at(Buffer.alloc(40)) }, () => random() * 256));
  return {
    'cut off': () => undefined,
    'cut short': (sent) => sent.subarray(0, at(sent)),
    'with noise before': (sent) => Buffer.concat([noise(), sent]),
    'with noise behind': (sent) => Buffer.concat([sent, noise()]),
    'with noise within': (sent) => {
      const place = at(sent);
      return Buffer.concat([sent.subarray(0, place), noise(), sent.subarray(place)]);
    },
    'with a byte changed': (sent) => {
      const changed = Buffer.from(sent);
      changed[at(sent)] = random() * 256;
      return changed;
    },
    'with its beginning changed': (sent) => Buffer.concat([noise(), sent.subarray(Math.min(sent.length, 5))]),
    'sent twice': (sent) => Buffer.concat([sent, sent]),
  };
}

/**
 * How a store behaves when something between it and its server corrupts the responses.
 *
 * @param createStore makes a store at that URL, all of them at one place; its calls and connecting
 *   may take that long, or the default
 */
export function garbledServerCases(
  urlOf: () => string,
  createStore: (url: string, timeoutMs: number | undefined) => Store,
): void {
  const setUp = async () => {
    const escaped: unknown[] = [];
    const note = (thrown: unknown): void => void escaped.push(thrown);
    process.prependListener('uncaughtException', note);
    const proxy = await garblingProxy(urlOf());
    const [store, direct] = [createStore(proxy.url, SHORT_TIMEOUT_MS), createStore(urlOf(), undefined)];
    onTestFinished(async () => {
      process.removeListener('uncaughtException', note);
      await proxy.close();
      await Promise.all([store.close(), direct.close()]);
    });
    await direct.open();
    await untilResponse(() => store.open());
    return { escaped, proxy, store, direct };
  };

  it('bytes that come while no call is in progress end no process: the connection is replaced', async () => {
    const { escaped, proxy, store } = await setUp();
    const random = numbersOf(5);
    const noise = Array.from({ length: 8 }, () => Buffer.from(Array.from({ length: 30 }, () => random() * 256)));
    // The beginning of an error, as MariaDB, PostgreSQL and Redis write one, without the rest.
    const cutErrors = [Buffer.of(1, 0, 0, 0, 255), Buffer.from('E\0\0\0\x04'), Buffer.from('-\r\n')];
    // A whole response of Redis for which no command waits, and two of them.
    const nulls = [Buffer.from('$-1\r\n'), Buffer.from('$-1\r\n$-1\r\n')];
    for (const bytes of [...cutErrors, ...nulls, ...noise]) {
      await untilResponse(() => store.nowMs());
      await untilResponse(() => store.count());
      proxy.inject(bytes);
      // They arrive before the next response does.
      await store.nowMs().catch(() => undefined);
    }
    expect(await untilResponse(() => store.write([insertOf('after noise')]))).toMatchObject([{ kind: 'applied' }]);
    expect(escaped).toEqual([]);
  });

  it.each(Object.keys(garblesOf(Math.random)))(
    'a response %s ends no process: the connection is replaced, and each write is applied once or not at all',
    async (name) => {
      const { escaped, proxy, store, direct } = await setUp();
      await direct.openSession(name, { node: 'node', version: '1' });
      const garble = garblesOf(numbersOf(7))[name];
      for (let round = 1; round <= ROUNDS; round++) {
        const gid = `${name} ${round}`;
        expect(await untilResponse(() => store.write([insertOf(gid)]))).toMatchObject([
          { kind: 'applied', version: 1 },
        ]);
        // Each call has its connection before its response is spoiled; every fourth time connecting
        // is.
        if (round % 4 !== 0)
          await Promise.all([untilResponse(() => store.nowMs()), untilResponse(() => store.count())]);
        proxy.garble(garble);
        const update = updateOf(gid, { state: Buffer.alloc(300, 'x') });
        await Promise.allSettled([
          store.write([update]),
          store.get([...KEYS, update.key]),
          store.heartbeat(name),
          store.list({ namespace: 'default', limit: 3 }),
          store.claimDue({ session: name, limit: 1, groups: [] }),
        ]);
        proxy.garble(undefined);
        const [stored] = await direct.get([update.key]);
        // The claim may have taken it before the update, or after it.
        const [outcome] = await untilResponse(() => store.write([{ ...update, expectVersion: stored?.version ?? 0 }]));
        expect(outcome?.kind === 'applied' || stored?.writeId === update.writeId).toBe(true);
      }
      expect(escaped).toEqual([]);
      expect((await direct.count()).byStatus.submitted).toBeGreaterThanOrEqual(ROUNDS);
    },
    150_000,
  );
}
