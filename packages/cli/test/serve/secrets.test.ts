import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { loadConfig } from '@holdfast/server';
import { connect } from '@holdfast/client';
import { transactionDetails } from '@holdfast/protocol';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createLog } from '@holdfast/server/logs';
import { runCli } from '../support/run-cli.ts';
import { HoldfastProcess } from '@holdfast/testing/holdfast-process';
import { TestServer } from '@holdfast/testing/test-server';

/** Found nowhere but where it is sent to. */
const SECRET = /hunter2|swordfish|aHVudGVyM/;

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return body;
}

/** An HTTP server; it notes what it received. */
async function listening(respond: (request: IncomingMessage) => string, status: number) {
  const received: { readonly headers: IncomingMessage['headers']; readonly body: string }[] = [];
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      received.push({ headers: request.headers, body });
      response.writeHead(status).end(respond(request));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { received, port: (server.address() as AddressInfo).port };
}

describe('a participant that echoes its request', () => {
  it('causes no secret of the request in the log, the timeline, the alert, the API or the CLI', async () => {
    const bank = await listening(({ headers, url }) => JSON.stringify({ url, headers }), 500);
    const webhook = await listening(() => '', 200);
    const lines: string[] = [];
    const log = createLog({
      level: 'debug',
      format: 'json',
      output: { write: (line) => lines.push(line) },
      colour: false,
    });
    await using server = await TestServer.start(
      { alertWebhook: `http://127.0.0.1:${webhook.port}/`, alertAfterRetries: 1, retryInterval: 50 },
      { log },
    );
    const at = (path: string): string => `http://teller:hunter2@127.0.0.1:${bank.port}${path}?access_token=swordfish`;
    await server.dtm('submit', {
      gid: 'echoed',
      trans_type: 'saga',
      protocol: 'http',
      steps: [{ action: at('/debit'), compensate: at('/credit') }],
      payloads: ['{}'],
      branch_headers: { 'X-Tenant-Key': 'swordfish', Cookie: 'hunter2', 'x-kept': 'shown' },
      retry_interval: 1,
    });
    await vi.waitFor(() => expect(webhook.received).toHaveLength(1), { timeout: 20_000 });
    expect(bank.received[0]?.headers).toMatchObject({ 'x-tenant-key': 'swordfish', cookie: 'hunter2' });
    expect(bank.received[0]?.headers.authorization).toMatch(/^Basic /);
    const shown = [
      ...lines,
      webhook.received[0]?.body,
      (await server.get('/api/dtmsvr/query?gid=echoed')).text,
      (await server.get('/api/dtmsvr/all')).text,
      (await server.get('/api/v1/transactions/echoed')).text,
      (await server.get('/api/v1/transactions')).text,
      (await runCli(['show', 'echoed', '--server', server.url])).out.join('\n'),
      (await runCli(['show', 'echoed', '--server', server.url, '-o', 'json'])).out.join('\n'),
    ].join('\n');
    expect(shown).not.toMatch(SECRET);
    expect(shown).toContain('x-kept');
  });
});

/** How a participant may encode what it echoes. */
const ENCODINGS: readonly (readonly [name: string, encode: (text: string) => string])[] = [
  ['base64', (text) => Buffer.from(text).toString('base64')],
  ['base64url', (text) => Buffer.from(text).toString('base64url')],
  ['base64 within a longer text', (text) => Buffer.from(`x: ${text}; y`).toString('base64')],
  ['percent-encoded', (text) => encodeURIComponent(text)],
];

describe.each(ENCODINGS)('a participant that echoes a secret as %s', (_, encode) => {
  const token = 'tok/swordfish+17=';

  it.each([
    ['the token alone', token],
    ['the whole header', `Bearer ${token}`],
    ['the account of its URL', 'teller:hunter2/of the bank'],
    ['the password of its URL', 'hunter2/of the bank'],
  ])('has the secret hidden: %s', async (_what, echoed) => {
    const bank = await listening(() => `no: ${encode(echoed)}.`, 409);
    await using server = await TestServer.start();
    const account = 'teller:hunter2%2Fof%20the%20bank@';
    await server.dtm('submit', {
      gid: 'encoded',
      trans_type: 'saga',
      steps: [{ action: `http://${account}127.0.0.1:${bank.port}/debit`, compensate: '' }],
      payloads: ['{}'],
      // Of two headers, one is sent: the account of the URL is the authorization.
      branch_headers: { 'X-Api-Token': `Bearer ${token}` },
      wait_result: true,
    });
    const { text } = await server.get('/api/v1/transactions/encoded');
    expect(text).toContain('no: ');
    expect(text).not.toContain(encode(echoed));
    const core = encode(echoed).replace(/=+$/, '').slice(4, -4);
    expect(text).not.toContain(core);
  });
});

describe('a transaction that was force-stopped', () => {
  const urls = [
    'teller:hunter2@127.0.0.1:1/debit',
    'hunter2@127.0.0.1:1/debit',
    '127.0.0.1:1/debit?access_token=swordfish',
    '127.0.0.1:1/debit?x=1&password=swordfish',
    '127.0.0.1:1/debit?x=1&api_key=swordfish#there',
    '127.0.0.1:1/debit?sig=swordfish',
  ].map((rest) => `http://${rest}`);
  const steps = urls.map((url) => ({ action: url, compensate: url }));
  const common = { gid: 'left', retry_interval: 1_000 };

  it.each(['saga', 'msg', 'tcc', 'xa'])(
    'shows no secret in the URLs of the effects that remain: %s',
    async (trans_type) => {
      await using server = await TestServer.start();
      if (trans_type === 'saga' || trans_type === 'msg')
        await server.dtm('submit', {
          ...common,
          trans_type,
          steps,
          payloads: urls.map(() => '{}'),
          concurrent: true,
        });
      else {
        await server.dtm('prepare', { ...common, trans_type, timeout_to_fail: 1_000 });
        for (const [n, url] of urls.entries()) {
          const ops = trans_type === 'tcc' ? { confirm: url, cancel: url } : { url };
          const branch = { gid: 'left', trans_type, branch_id: `0${n + 1}`, data: '{}', ...ops };
          expect((await server.dtm('registerBranch', branch)).status).toBe(200);
        }
      }
      await server.post('/api/v1/transactions/left/stop?waitMs=1000', { reason: 'INC-42' });
      const { text, json } = await server.get('/api/v1/transactions/left');
      const details = transactionDetails.parse(json);
      expect(details).toMatchObject({ stopped: 'INC-42', status: 'failed' });
      expect(details.remainingEffects).toHaveLength(urls.length);
      const shown = [
        text,
        (await server.get('/api/dtmsvr/query?gid=left')).text,
        (await server.get('/api/v1/transactions')).text,
        (await runCli(['show', 'left', '--server', server.url])).out.join('\n'),
        (await runCli(['show', 'left', '--server', server.url, '-o', 'json'])).out.join('\n'),
      ].join('\n');
      expect(shown).not.toMatch(SECRET);
    },
  );
});

describe('the reason of an operator or a caller', () => {
  it('is always shown without its secrets', async () => {
    await using server = await TestServer.start();
    const saga = { trans_type: 'saga', steps: [{ action: 'http://127.0.0.1:1/a' }], payloads: ['{}'] };
    await server.dtm('submit', { ...saga, gid: 'ended', retry_interval: 1_000 });
    const reason = 'INC-42 password=hunter2 at http://teller:swordfish@bank/';
    const stopped = await server.post('/api/v1/transactions/ended/stop?waitMs=1000', { reason });
    await server.dtm('prepare', { gid: 'aborted', trans_type: 'tcc', timeout_to_fail: 1_000 });
    const aborted = await server.dtm('abort', { gid: 'aborted', trans_type: 'tcc', rollback_reason: reason });
    expect([stopped.status, aborted.status]).toEqual([200, 200]);
    const pages = ['/api/dtmsvr/all', '/api/v1/transactions'];
    for (const gid of ['ended', 'aborted']) pages.push(`/api/dtmsvr/query?gid=${gid}`, `/api/v1/transactions/${gid}`);
    for (const page of pages) {
      const { text } = await server.get(page);
      expect(text).toContain('INC-42 password=***');
      expect(text).not.toMatch(SECRET);
    }
  });
});

describe('the URL of a subscriber', () => {
  it('is shown without its secrets, and this form can be used to end the subscription', async () => {
    await using server = await TestServer.start();
    const urls = ['http://teller:hunter2@mail:8080/a?token=swordfish', 'http://mail:8080/b'];
    for (const url of urls)
      expect((await server.request('PUT', '/api/v1/topics/t/subscribers', { url })).status).toBe(204);
    const shown = [
      (await server.get('/api/v1/topics')).text,
      (await server.get('/api/dtmsvr/scanKV?cat=topics')).text,
      (await server.get('/api/dtmsvr/queryKV?cat=topics&key=t')).text,
      ...(await runCli(['topics', 'show', 't', '--server', server.url])).out,
      ...(await runCli(['topics', 'show', 't', '--server', server.url, '-o', 'json'])).out,
      ...(await runCli(['topics', 'show', 't', '--server', server.url, '-o', 'ids'])).out,
    ].join('\n');
    expect(shown).toContain('http://mail:8080/b');
    expect(shown).not.toMatch(SECRET);
    const added = await runCli(['topics', 'add', 't', urls[0] ?? '', '--server', server.url]);
    expect(added.err.join('\n')).toContain('is already subscribed to topic t');
    expect(added.err.join('\n')).not.toMatch(SECRET);
    const redacted = 'http://***@mail:8080/a?token=***';
    expect((await runCli(['topics', 'remove', 't', redacted, '--server', server.url])).exitCode).toBe(0);
    const left = await runCli(['topics', 'show', 't', '--server', server.url, '-o', 'ids']);
    expect(left.out).toEqual(['http://mail:8080/b']);
  });
});

describe('a secret in the configuration', () => {
  it('that is broken YAML is not printed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-secrets-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, 'config.yaml');
    for (const text of [
      'store: "postgres://user:hunter2@db/orders\n',
      'httpPort: 1\nstore: postgres://user:hunter2@db: [\n',
      'store: *hunter2\n',
      'postgres://user:hunter2@db/orders: yes\n',
      'httpPort: postgres://user:hunter2@db/orders\n',
    ]) {
      await writeFile(file, text);
      const refusal = await loadConfig({ file }).then(
        () => expect.unreachable('it was read'),
        (error: unknown) => error as Error,
      );
      expect(`${refusal.message} ${refusal.stack} ${String(refusal.cause)}`).not.toMatch(SECRET);
      expect(refusal.message).toContain(file);
    }
  });

  it.each([
    ['doctor', '--http-port', '0', '--store', 'postgres://user:hunter2@127.0.0.1:1/db'],
    ['doctor', '--http-port', '0', '--store', 'postgres://user:hun/hunter2@127.0.0.1:1/db'],
    ['doctor', '--http-port', '0', '--store', 'memory:', '--barrier', 'mysql://user:hunter2@127.0.0.1:1/db'],
    ['doctor', '--http-port', '0', '--store', 'memory:', '--server', 'ftp://user:hunter2@127.0.0.1:1'],
    ['doctor', '--http-port', '0', '--store', 'memory:', '--server', 'http://user:hunter2@127.0.0.1:1'],
    ['migrate', '--store', 'redis://user:hunter2@127.0.0.1:1'],
    ['migrate', '--store', 'mysql://user:hunter2@127.0.0.1:1/db?ssl={"key":"swordfish"'],
    ['list', '--server', 'user:hunter2@nowhere'],
    ['list', '--server', 'http://user:hunter2@127.0.0.1:1'],
    ['show', 'x', '--server', 'ftp://user:hunter2@127.0.0.1:1'],
  ])('is not printed by holdfast %s %s %s %s %s', async (...args) => {
    const { out, err } = await runCli(args);
    expect([...out, ...err].join('\n')).not.toMatch(SECRET);
    expect([...out, ...err].join('\n')).not.toBe('');
  });

  it('is not in the process list, nor in what the process prints', async () => {
    const silent = createTcpServer(() => {}).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const run = new HoldfastProcess(['serve', '--http-port', '0', '--store', `redis://u:hunter2@127.0.0.1:${port}`]);
    onTestFinished(async () => {
      await run.kill();
      silent.close();
    });
    await vi.waitFor(
      async () => {
        const shown = await readFile(`/proc/${run.child.pid}/cmdline`, 'utf8');
        expect(shown).toContain('redis://***@');
        expect(shown).not.toMatch(SECRET);
      },
      { timeout: 20_000 },
    );
  });
});

describe('credentials in the URL of the coordinator', () => {
  it('reach it as basic authentication, from the SDK and from the CLI', async () => {
    const proxy = await listening(() => JSON.stringify({ items: [], next: null }), 200);
    const url = `http://teller:p%40ss@127.0.0.1:${proxy.port}`;
    const hf = connect(url);
    await hf.list().catch(() => undefined);
    await hf.close();
    await runCli(['list', '--server', url]);
    await runCli(['doctor', '--store', 'memory:', '--server', url]);
    const wanted = `Basic ${Buffer.from('teller:p@ss').toString('base64')}`;
    expect(proxy.received.length).toBeGreaterThanOrEqual(3);
    const others = proxy.received.filter(({ headers }) => headers.authorization !== wanted);
    // `doctor` tries whether the coordinator responds to a caller without credentials.
    expect(others.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });

  it('are not repeated by an error of the SDK', () => {
    for (const bad of ['http://teller:hunter2@host:port', 'ftp://teller:hunter2@host', 'teller:hunter2@host']) {
      const refusal = (() => {
        try {
          connect(bad);
        } catch (error) {
          return error as Error;
        }
        throw new Error('was not refused');
      })();
      expect(`${refusal.stack} ${JSON.stringify(refusal)} ${JSON.stringify(Object.entries(refusal))}`).not.toMatch(
        SECRET,
      );
    }
  });
});
