import { type BranchConnections, HTTP_CLIENT_SETTINGS, HttpPool, machine, undiciClient } from '@holdfast/branches';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readHttpResponse } from '../../src/http/http-protocol.ts';
import { type ResponseReader, exchange } from '../../src/http/exchange.ts';
import { type Behaviour, behaviours, piecesOf } from '../support/behaviours.ts';
import { RawServer } from '../support/raw-server.ts';

/** One turn of the event loop: the sockets are polled once. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A server that behaves as entry N of the script for the request `/N`, on any connection. */
async function serverOf(script: readonly Behaviour[]) {
  const requests = new WeakMap<object, number>();
  const settle: (() => void)[] = [];
  const settled = script.map((_, index) => new Promise<void>((resolve) => (settle[index] = resolve)));
  const server = await RawServer.start(async (socket, text) => {
    const index = Number(/^GET \/(\d+) /.exec(text)?.[1] ?? -1);
    const behaviour = script[index];
    const before = requests.get(socket) ?? 0;
    requests.set(socket, before + 1);
    if (behaviour === undefined) return;
    if (behaviour.resetsReused && before > 0) return socket.resetAndDestroy();
    for (const piece of piecesOf(behaviour)) {
      socket.write(piece, 'latin1');
      await turn();
    }
    // What was written has been read before the connection is reset.
    for (let turns = 0; turns < 3; turns++) await turn();
    if (behaviour.end === 'ends') socket.end();
    else if (behaviour.end === 'resets') socket.resetAndDestroy();
    settle[index]?.();
  });
  return { server, settled };
}

interface Outcome {
  readonly kind: string;
  /** Of a response that decides something. */
  readonly body?: string;
}

/** Of each call, one after the other. */
async function outcomes(
  connect: (origin: string) => BranchConnections,
  script: readonly Behaviour[],
): Promise<Outcome[]> {
  const { server, settled } = await serverOf(script);
  await using _ = server;
  const pool = connect(server.origin);
  const host = new URL(server.origin).host;
  const all: Outcome[] = [];
  for (const index of script.keys()) {
    let body = '';
    const read: ResponseReader = (response) => {
      body = response.body;
      return readHttpResponse(response);
    };
    const request = { method: 'GET', path: `/${index}`, host, headers: '', body: null } as const;
    const { kind } = await exchange(machine.clock, pool, request, TIMEOUT_MS, read, () => undefined);
    all.push(kind === 'UNKNOWN' ? { kind } : { kind, body });
    // Both see the end of the connection before the next call, or neither.
    await settled[index];
    for (let turns = 0; turns < 5; turns++) await turn();
  }
  await pool.destroy();
  return all;
}

/** No behaviour takes as long: what never ends is the subject of other tests. */
const TIMEOUT_MS = 10_000;

/**
 * Where the clients differ: in each of these, one of them rejects the response (UNKNOWN), and the
 * other interprets it. Decision 0020 has the list.
 */
const DIFFERENCES: Readonly<Record<string, (behaviour: Behaviour) => boolean>> = {
  'bytes behind the response: undici takes the response, and closes the connection': ({ stray }) => stray !== '',
  'a body behind a status without one (204, 304): the same; undici refuses a length above 0 there': ({ statusLine }) =>
    / (?:204|304)/.test(statusLine),
  'the version HTTP/2.0 in a status line: undici reads on': ({ statusLine }) => statusLine.startsWith('HTTP/2'),
  'status 100 before the response: undici refuses it, since no request asks for it': ({ informing }) =>
    informing.includes(INTERIM),
  'a line longer than 1 KiB in trailers: undici has one bound, 16 KiB, for all of them': ({ framing, trailers }) =>
    framing === 'chunked' && trailers.some((line) => line.length > 1_024),
  'two equal lengths: undici refuses them': ({ framing }) => framing === 'two equal lengths',
};

const INTERIM = 'HTTP/1.1 100 Continue';

const USUAL: Behaviour = {
  informing: [],
  statusLine: 'HTTP/1.1 200 OK',
  fields: [],
  framing: 'chunked',
  body: '{"dtm_result":"SUCCESS"}',
  trailers: [],
  stray: '',
  upTo: 1,
  cuts: [],
  end: 'stays',
  resetsReused: false,
};

const isNamed = (behaviour: Behaviour): boolean => Object.values(DIFFERENCES).some((applies) => applies(behaviour));

it('a server has the same outcome through either client, whatever it responds, or the difference is a named one', async () => {
  const connect = await undiciClient();
  const undici = (origin: string) => connect(origin, HTTP_CLIENT_SETTINGS);
  const own = (origin: string) => new HttpPool(origin, HTTP_CLIENT_SETTINGS, machine);
  await fc.assert(
    fc.asyncProperty(fc.array(behaviours, { minLength: 1, maxLength: 4 }), async (script) => {
      const [ours, library] = await Promise.all([outcomes(own, script), outcomes(undici, script)]);
      for (const [index, behaviour] of script.entries()) {
        const kinds = [ours[index]?.kind, library[index]?.kind];
        if (kinds.includes('UNKNOWN') && isNamed(behaviour)) continue;
        expect([index, library[index]]).toEqual([index, ours[index]]);
      }
    }),
    { numRuns: 150 },
  );
});

it.each(Object.keys(DIFFERENCES))('the difference exists: %s', async (name) => {
  const connect = await undiciClient();
  const [refusedByOwn, refusedByUndici] = [
    [{ kind: 'UNKNOWN' }, { kind: 'SUCCESS' }],
    [{ kind: 'SUCCESS' }, { kind: 'UNKNOWN' }],
  ];
  const examples = [
    [{ ...USUAL, stray: 'garbage' }, refusedByOwn],
    [{ ...USUAL, statusLine: 'HTTP/1.1 204 x' }, refusedByOwn],
    [{ ...USUAL, statusLine: 'HTTP/2.0 200 OK' }, refusedByOwn],
    [{ ...USUAL, trailers: [`x: ${'y'.repeat(2_000)}`] }, refusedByOwn],
    [{ ...USUAL, informing: [INTERIM] }, refusedByUndici],
    [{ ...USUAL, framing: 'two equal lengths' }, refusedByUndici],
  ] as const;
  const example = examples.find(([one]) => DIFFERENCES[name]?.(one) === true);
  if (example === undefined) throw new Error('there is no example');
  const [behaviour, expected] = example;
  const own = await outcomes((origin) => new HttpPool(origin, HTTP_CLIENT_SETTINGS, machine), [behaviour]);
  const undici = await outcomes((origin) => connect(origin, HTTP_CLIENT_SETTINGS), [behaviour]);
  expect([...own, ...undici]).toMatchObject(expected);
});

it.each(['gzip and chunked', 'gzip in a second field', 'chunked twice', 'gzip until close'] as const)(
  'a response with a transfer coding besides chunked decides nothing through either client: %s',
  async (framing) => {
    const connect = await undiciClient();
    const response: Behaviour = { ...USUAL, framing, end: 'ends' };
    const own = await outcomes((origin) => new HttpPool(origin, HTTP_CLIENT_SETTINGS, machine), [response]);
    const undici = await outcomes((origin) => connect(origin, HTTP_CLIENT_SETTINGS), [response]);
    expect([...own, ...undici]).toEqual([{ kind: 'UNKNOWN' }, { kind: 'UNKNOWN' }]);
  },
);
