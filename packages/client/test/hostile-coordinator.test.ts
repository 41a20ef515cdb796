import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Holdfast } from '../src/holdfast.ts';
import type { ConnectOptions } from '../src/options.ts';
import { clientOf } from './support/with-coordinator.ts';

/** Sends a text one byte at a time, and then its last byte again and again, or nothing more. */
function drip(socket: Socket, text: string, again = ' '): void {
  let sent = 0;
  const timer = setInterval(() => socket.write(text[sent++] ?? again), 5);
  socket.on('close', () => clearInterval(timer));
}

const response = (status: string, body: string, type = 'application/json'): string =>
  `HTTP/1.1 ${status}\r\ncontent-type: ${type}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

/** What a hostile coordinator does with each request. */
const HOSTILE: Readonly<Record<string, (socket: Socket) => void>> = {
  'never responds': () => undefined,
  'sends the head of its response byte by byte': (socket) => drip(socket, 'HTTP/1.1 200 OK\r\nx: ', 'x'),
  'sends the body of its response byte by byte': (socket) =>
    drip(socket, 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', '1\r\n \r\n'),
  'sends a body that does not end': (socket) =>
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"items":[]'),
  'sends interim responses without end': (socket) => drip(socket, '', 'HTTP/1.1 102 Processing\r\n\r\n'),
  'disconnects at once': (socket) => socket.destroy(),
  'disconnects within the head': (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-ty'),
  'disconnects within the body': (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"items":[]'),
  'sends what is not HTTP': (socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'),
  "responds with 504 and dtm's body": (socket) =>
    socket.write(response('504 Gateway Timeout', '{"dtm_result":"FAILURE","message":"timeout"}')),
  "responds with 504 and a proxy's page": (socket) =>
    socket.write(response('504 Gateway Timeout', '<html>504</html>', 'text/html')),
  'responds with 504, a problem and no outcome': (socket) =>
    socket.write(
      response(
        '504 Gateway Timeout',
        '{"type":"about:blank","title":"t","status":504,"detail":"late","code":"deadline_exceeded"}',
      ),
    ),
  'responds with 429': (socket) => socket.write(response('429 Too Many Requests', '')),
};

async function hostile(behave: (socket: Socket) => void, options: ConnectOptions): Promise<Holdfast> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      if (/^(?:GET|POST|PUT|DELETE) /.test(data.toString('latin1'))) behave(socket);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return clientOf(url, { callbackUrl: 'http://here/workflows', ...options });
}

interface Limit {
  readonly callTimeoutMs?: number;
}

/** The calls of the SDK that make a change. */
const CHANGES: Readonly<Record<string, (hf: Holdfast, limit: Limit) => Promise<unknown>>> = {
  submit: (hf, limit) => hf.saga('a').step({ action: 'http://bank/', compensate: null }).submit(limit),
  'submit and wait': (hf, limit) =>
    hf
      .saga('a')
      .step({ action: 'http://bank/', compensate: null })
      .submit({ wait: { timeoutMs: 1 }, ...limit }),
  prepare: (hf, limit) => hf.message('a').step('http://bank/').prepare('http://bank/check', limit),
  tcc: (hf, limit) => hf.tcc(() => undefined, { gid: 'a', ...limit }),
  xa: (hf, limit) => hf.xa(() => undefined, { gid: 'a', ...limit }),
  workflow: (hf, limit) => hf.workflow('order', { version: 1 }, () => Promise.resolve()).run(undefined, limit),
  abort: (hf, limit) => hf.abort('a', limit),
  retry: (hf, limit) => hf.retry('a', limit),
  subscribe: (hf, limit) => hf.topics.subscribe('paid', 'http://bank/', limit),
  unsubscribe: (hf, limit) => hf.topics.unsubscribe('paid', 'http://bank/', limit),
  'delete a topic': (hf, limit) => hf.topics.delete('paid', limit),
};

const READS: Readonly<Record<string, (hf: Holdfast, limit: Limit) => Promise<unknown>>> = {
  get: (hf, limit) => hf.get('a', limit),
  list: (hf, limit) => hf.list({}, limit),
  'list topics': (hf, limit) => hf.topics.list({}, limit),
  wait: (hf, limit) => hf.wait('a', { timeoutMs: 1, ...limit }),
  finished: (hf, limit) => hf.finished('a', { timeoutMs: 1, ...limit }),
};

/** How each call ends: the code and the outcome of its error. */
async function endsOf(hf: Holdfast, limit: Limit): Promise<Record<string, unknown>> {
  const ends = Object.entries({ ...CHANGES, ...READS }).map(async ([name, call]) => {
    const error: unknown = await call(hf, limit).catch((thrown: unknown) => thrown);
    const { code, outcome } = error as { readonly code: string; readonly outcome: string };
    return [name, `${code}, ${outcome}`];
  });
  return Object.fromEntries(await Promise.all(ends)) as Record<string, unknown>;
}

const expectedEnds = (code: string): Record<string, unknown> => ({
  ...Object.fromEntries(Object.keys(CHANGES).map((name) => [name, `${code}, unknown`])),
  ...Object.fromEntries(Object.keys(READS).map((name) => [name, `${code}, not_started`])),
});

describe.each(Object.entries(HOSTILE))('with a coordinator that %s', (_, behave) => {
  it('each call ends by its timeout, and states whether a change may have been made', async () => {
    const hf = await hostile(behave, { requestTimeoutMs: 60_000, retryForMs: 60_000 });
    await expect(endsOf(hf, { callTimeoutMs: 150 })).resolves.toEqual(expectedEnds('deadline_exceeded'));
  });

  it("each call ends by the client's timeouts, and states whether a change may have been made", async () => {
    const hf = await hostile(behave, { requestTimeoutMs: 100, retryForMs: 0 });
    const isStated = behave === HOSTILE['responds with 504, a problem and no outcome'];
    const code = isStated ? 'deadline_exceeded' : 'coordinator_unreachable';
    await expect(endsOf(hf, {})).resolves.toEqual(expectedEnds(code));
  });
});

it.each([-3_600_000, 3_600_000])(
  'a wall clock that jumps by %i ms neither ends nor prolongs a call',
  async (jumpMs) => {
    const hf = await hostile(HOSTILE['never responds'] ?? (() => undefined), { requestTimeoutMs: 60_000 });
    const realNow = Date.now.bind(Date);
    const startedMs = performance.now();
    const late = hf.get('a', { callTimeoutMs: 300 });
    const now = vi.spyOn(Date, 'now').mockImplementation(() => realNow() + jumpMs);
    onTestFinished(() => now.mockRestore());
    await expect(late).rejects.toMatchObject({ code: 'deadline_exceeded' });
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(299);
  },
);
