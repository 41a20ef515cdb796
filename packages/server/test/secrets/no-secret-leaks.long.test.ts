import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from '@holdfast/client';
import { API_ROOT, OPERATION_NAMES, operationOf, pathFieldsOf } from '@holdfast/protocol';
import { describeWith } from '@holdfast/testing/describe-with';
import { HoldfastProcess } from '@holdfast/testing/holdfast-process';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { DTM_REQUESTS, RPC_REQUESTS } from '../support/dtm-requests.ts';
import { GrpcClient } from '../support/grpc-client.ts';
import { ECHOES } from './leaks/echoing-shop.ts';
import { formsOf, Haystack } from './leaks/haystack.ts';
import { basic, bearer, LeakWorld, odd, plain } from './leaks/leak-world.ts';

const LEAST_LINES = 100_000;

describe('the search for secrets', () => {
  it('finds a planted secret in each form, wherever it is in a longer text', () => {
    const secret = odd('planted');
    for (const [form, needles] of formsOf(secret)) expect([form, needles.length > 0]).toEqual([form, true]);
    const encodings = { ...ECHOES, hex: (text: string) => Buffer.from(text).toString('hex') };
    for (const [form, encode] of Object.entries(encodings)) {
      for (const around of ['', 'a', 'ab', 'abc']) {
        const haystack = new Haystack();
        haystack.add('noise', 'nothing\nhere\n');
        haystack.add('log', `{"level":30}\n{"reason":"${encode(`${around}${secret}${around}`)}"}\n`);
        const leaks = haystack.leaks(new Map([['planted', secret]])).map(({ source }) => source);
        expect([form, around, leaks[0]]).toEqual([form, around, 'log']);
        expect(haystack.leaks(new Map([['other', odd('other')]]))).toEqual([]);
        expect(haystack.lines).toBe(4);
      }
    }
    const cut = new Haystack();
    cut.add('log', `"reason":"Bearer ${secret.slice(0, 20)}…"`);
    expect(cut.leaks(new Map([['planted', secret]])).map(({ form }) => form)).toEqual(['half']);
  });
});

/**
 * The parts of this test run in their order: together they are the run whose output the last one
 * searches.
 */
describeWith(['openssl', 'postgres'], 'a coordinator with a secret of every kind, at --log-level debug', () => {
  let world: LeakWorld;
  let submitter: string;
  let viewer: string;
  let jwt: string;
  let wrong: readonly string[];
  let branchHeaders: Readonly<Record<string, string>>;
  let account: string;
  let query: string;
  let cookie: Readonly<Record<string, string>>;
  const gids: string[] = [];

  beforeAll(async () => {
    world = await LeakWorld.start();
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const post = (body: unknown, headers = bearer(submitter)) => ({ method: 'POST', body, headers });
  const saga = (gid: string, action: string, more: object = {}): Promise<string> => {
    gids.push(gid);
    const steps = [{ action, compensate: action, payload: {} }];
    return world.request('/api/v1/transactions', post({ gid, pattern: 'saga', steps, branchHeaders, ...more }));
  };

  it('makes tokens of each origin', async () => {
    const { secrets } = world;
    const newToken = async (name: string, role: string): Promise<string> => {
      const args = ['token', 'create', name, '--role', role, '-o', 'ids'];
      return world.tokenSecret(`token ${name}`, (await world.command(args, { shows: true })).trim());
    };
    [submitter, viewer] = [await newToken('shop', 'submitter'), await newToken('reader', 'viewer')];
    const former = await newToken('former', 'operator');
    const id = former.split('_')[1] ?? '';
    const rotated = await world.command(['token', 'rotate', id, '-o', 'ids', '--reason', 'leaked'], { shows: true });
    world.tokenSecret('rotated token', rotated.trim());
    await world.command(['token', 'revoke', id, '--reason', `token ${former}`]);
    expect(secrets.get('rotated token')).toMatch(/^[0-9a-z]{40,}$/i);
    jwt = await world.jwt('JWT of an admin', { claims: { holdfast_roles: ['admin'], sub: 'alice@bank.example' } });
    wrong = [
      world.tokenSecret('wrong token', `hf_0123456789abcdef_${randomBytes(32).toString('hex')}`),
      world.secret('a token of another system', plain('sk-live')),
      submitter.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
      former,
      await world.jwt('expired JWT', { claims: { exp: 1_700_000_000 } }),
      await world.jwt('JWT for another audience', { claims: { aud: 'another' } }),
    ];
    cookie = { cookie: `session=${world.secret('cookie of a caller', plain('sess'))}` };
    account = `teller:${world.secret('password in a URL', plain('urlp'))}@`;
    query = `?access_token=${world.secret('token in a URL', plain('urlt'))}`;
    branchHeaders = {
      authorization: `Bearer ${world.secret('token of a participant', plain('part'))}`,
      cookie: `sid=${world.secret('cookie for a participant', plain('cook'))}`,
      'x-api-key': world.secret('key of a participant', odd('apik')),
      'x-bank': 'secret:bank',
      'x-env': 'Custom secret:env',
    };
  });

  it('calls branches that repeat each header in each form, over HTTP, JSON-RPC and gRPC', async () => {
    const { shop, grpcShop } = world;
    const echoes = Object.keys(branchHeaders).flatMap((header) =>
      Object.keys(ECHOES).flatMap((form) => [500, 409, 425].map((status) => `${header}/${form}/${status}`)),
    );
    await Promise.all(echoes.map((echo) => saga(echo.replaceAll('/', '-'), shop.url(`/echo/${echo}`))));
    const paths = ['/all/500', '/all/400', '/all/409', '/redirect', '/ok', '/echo/authorization/base64/500'];
    for (const [index, path] of paths.entries())
      await saga(`account-${index}`, shop.url(path, account) + query, { branchHeaders: { 'x-bank': 'secret:bank' } });
    await saga('json-rpc', `${shop.url('/all/500', account)}${query}&method=m`, { protocol: 'json-rpc' });
    await saga('nobody', `http://${account}127.0.0.1:1/${query}`);
    await saga('tls', `https://${account}127.0.0.1:${shop.port}/${query}`);
    grpcShop.behave = ({ metadata }) => ({
      code: metadata['dtm-gid'] === 'grpc-2' ? 10 : 13,
      message: `${ECHOES['base64']?.(String(metadata['x-api-key']))} ${JSON.stringify(metadata)}`,
    });
    for (const gid of ['grpc-1', 'grpc-2']) await saga(gid, grpcShop.url('TransIn'));
    const url = `${shop.url('/all/500', account)}${query}`;
    await world.request('/api/v1/topics/mail/subscribers', { method: 'PUT', body: { url }, headers: bearer(jwt) });
    const steps = [{ action: 'topic://mail' }];
    gids.push('topic', 'check-back', 'flow');
    await world.request('/api/v1/transactions', post({ gid: 'topic', pattern: 'msg', steps, branchHeaders }));
    const message = { trans_type: 'msg', gid: 'check-back', steps: [{ action: shop.url('/ok') }], payloads: ['{}'] };
    const more = { query_prepared: url, branch_headers: branchHeaders, timeout_to_fail: 1 };
    await world.request('/api/dtmsvr/prepare', post({ ...message, ...more }));
    const workflow = { name: 'w', input: { n: 1 } };
    const flow = { gid: 'flow', pattern: 'workflow', workflow, queryPrepared: url, branchHeaders };
    await world.request('/api/v1/transactions', post(flow));
    expect(world.haystack.contains('responses 200', '"gid":"flow"')).toBe(true);
  });

  it('serves each operation on each transport, to callers with each credential, and rejects wrong ones', async () => {
    const { authority, grpcAddress } = world;
    using dtm = new GrpcClient(grpcAddress, 'dtm', authority.certificateText);
    using holdfast = new GrpcClient(grpcAddress, 'holdfast', authority.certificateText);
    for (const headers of [bearer(jwt), basic(`any:${world.admin}`), { ...bearer(viewer), ...cookie }]) {
      for (const requests of Object.values(DTM_REQUESTS))
        for (const { method, path, body } of requests) await world.request(path, { method, body, headers });
      for (const [method, params] of Object.entries(RPC_REQUESTS))
        await world.request('/api/json-rpc', post({ jsonrpc: '2.0', id: 1, method, params }, headers));
      for (const operation of OPERATION_NAMES.map(operationOf)) {
        let path: string = API_ROOT + operation.path;
        for (const field of pathFieldsOf(operation)) path = path.replace(`:${field}`, 'none');
        const body = operation.method === 'POST' || operation.method === 'PUT' ? {} : undefined;
        await world.request(path, { method: operation.method, body, headers });
      }
      for (const client of [dtm, holdfast])
        for (const method of client.methods) {
          const gid = { Gid: 'grpc-1', gid: 'grpc-1', TransType: 'saga' };
          const { message, value, trailers } = await client.call(method, gid, { metadata: headers, timeoutMs: 2_000 });
          world.haystack.add(
            'responses over gRPC',
            `${message}\n${JSON.stringify(value)}\n${JSON.stringify(trailers)}\n`,
          );
        }
    }
    // Rejected callers are made to wait: together, and few.
    const guarded = ['/api/v1/transactions', '/api/dtmsvr/query?gid=flow', '/api/metrics', '/openapi.json'];
    const given = (token: string) => [
      bearer(token),
      basic(`any:${token}`),
      basic(`${token}:`),
      { authorization: token },
    ];
    const rejected = wrong.flatMap((token, index) => {
      const headers = { ...given(token)[index % 4], ...cookie };
      return [
        world.request(guarded[index % 4] ?? '/', { headers }),
        holdfast.call('ListTransactions', {}, { metadata: headers }).then(({ message, trailers }) => {
          world.haystack.add('responses over gRPC', `${message} ${JSON.stringify(trailers)}\n`);
        }),
      ];
    });
    await Promise.all(rejected);
    for (const path of [
      `/api/v1/transactions?token=${wrong[0]}`,
      `/api/v1/nowhere?access_token=${wrong[0]}`,
      `/api/dtmsvr/query?gid=flow&token=${viewer}`,
    ])
      await world.request(path, { headers: bearer(viewer) });
    for (const token of [submitter, wrong[0]]) {
      const tls = { ca: authority.certificateText };
      for (const target of [`grpcs://${grpcAddress}`, world.url.replace('https://', `https://any:${token}@`)]) {
        const isHttp = target.startsWith('https');
        await using client = connect(target, { ...(!isHttp && { token }), tls, retryForMs: 0 });
        const gid = `sdk-${gids.length}`;
        gids.push(gid);
        const step = { action: world.shop.url('/all/500'), compensate: world.shop.url('/ok'), payload: {} };
        const submitted = client.saga(gid).options({ branchHeaders }).step(step).submit();
        const shown = await submitted.then(String, (error: Error) => `${error.stack} ${JSON.stringify(error)}`);
        world.haystack.add('errors of the SDK', `${shown}\n`);
      }
    }
    for (const source of ['responses 200', 'responses 401', 'responses over gRPC', 'errors of the SDK'])
      expect(world.haystack.sources).toContain(source);
  });

  it('responds to requests that are not valid', async () => {
    const bad = world.secret('secret in a bad request', odd('badr'));
    const password = world.secret('password in a bad URL', plain('badu'));
    const token = world.secret('token in a bad URL', plain('badt'));
    const steps = [{ action: world.shop.url('/ok') }];
    const headersOf = (headers: object) => ({
      gid: 'x',
      pattern: 'saga',
      trans_type: 'saga',
      steps,
      branchHeaders: headers,
    });
    const actionOf = (action: string) => ({ gid: 'x', pattern: 'saga', trans_type: 'saga', steps: [{ action }] });
    for (const body of [
      `{"gid":"x","branchHeaders":{"authorization":"Bearer ${bad.slice(0, 12)}`,
      headersOf({ authorization: [`Bearer ${bad}`] }),
      headersOf({ authorization: `Bearer ${bad}\nX: y` }),
      headersOf({ authorization: `secret:${bad}` }),
      headersOf({ authorization: `Bearer  secret:${bad}` }),
      headersOf({ authorization: 'secret:unknown', cookie: bad }),
      { ...headersOf({ authorization: `é${bad}` }), protocol: 'grpc' },
      actionOf(`ftp://u:${password}@h/`),
      actionOf(`http://u:${password}@10.0.0.1/?token=${token}`),
      actionOf(`http://u:${password}@127.0.0.1:99999/?token=${token}`),
    ]) {
      await world.request('/api/v1/transactions', post(body));
      const isText = typeof body === 'string';
      const wire = isText || !('branchHeaders' in body) ? body : { ...body, branch_headers: body.branchHeaders };
      await world.request('/api/dtmsvr/submit', post(wire));
      await world.request('/api/json-rpc', post({ jsonrpc: '2.0', id: 1, method: 'submit', params: wire }));
    }
    const responses: string[] = [];
    for (const text of [
      `GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${wrong[0]}\r\nBad Header: ${bad}\r\n\r\n`,
      `GET /${'x'.repeat(40_000)} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${submitter}\r\n\r\n`,
      `POST /api/v1/transactions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${submitter}\r\nContent-Length: x\r\n\r\n`,
      `POST /api/v1/transactions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${submitter}\r\nContent-Length: 9\r\n\r\n{`,
      `GET /?a=${bad} HTTP/1.1\r\nHost: localhost\r\nCookie: ${cookie['cookie']}\r\nAuthorization: Bear`,
      `${submitter}\r\n${bad}\r\n\r\n`,
    ])
      responses.push(await world.garbage(text));
    expect(responses.filter((text) => text.includes('it stayed open'))).toEqual([]);
  });

  it('shows operators what happened, also while the store is away and after a bad reload', async () => {
    const { database, run, folder, issuer } = world;
    // Until alerts were raised for what cannot succeed.
    await vi.waitUntil(() => world.shop.received.some(({ url }) => url.startsWith('/all/500/hook')), 60_000);
    const reason = `INC-1 password=${world.secret('password in a reason', plain('reas'))}`;
    await world.request('/api/v1/transactions/nobody/stop', post({ reason }, bearer(jwt)));
    await world.command(['stop', 'tls', '--reason', reason, '--yes']);
    issuer.respond = (_request, response) => {
      response.writeHead(500).end(`no: ${JSON.stringify(_request.headers)}`);
      return true;
    };
    await world.request('/api/v1/transactions', {
      headers: bearer(await world.jwt('JWT of an unknown key', { header: { kid: 'x' } })),
    });
    issuer.respond = undefined;
    await writeFile(join(folder, 'secrets', 'broken'), `${world.secret('secret in a bad file', odd('badf'))}\nx`, {
      mode: 0o600,
    });
    run.child.kill('SIGHUP');
    await vi.waitUntil(() => run.out.includes('the previous content stays in use'), 20_000);
    // A crash would require a recovery, which takes long on a busy disk.
    await database.kill('SIGINT');
    await Promise.all([
      saga('while-down', world.shop.url('/ok')),
      world.request('/readyz'),
      world.request('/api/v1/transactions', { headers: bearer(viewer) }),
    ]);
    await database.start();
    const isReady = async () =>
      (await world.request('/api/v1/transactions?limit=1', { headers: bearer(viewer) })).includes('items');
    await vi.waitUntil(isReady, { timeout: 60_000, interval: 200 });
    for (const gid of gids) {
      await world.request(`/api/v1/transactions/${gid}`, { headers: bearer(submitter) });
      await world.request(`/api/dtmsvr/query?gid=${gid}`, { headers: bearer(submitter) });
    }
    for (const path of [
      '/api/dtmsvr/all?limit=1000',
      '/api/dtmsvr/scanKV?cat=topics',
      '/api/v1/topics',
      '/openapi.json',
      '/x',
    ])
      await world.request(path, { headers: bearer(jwt) });
    const shown = gids.filter((_, index) => index % 16 === 0 || index > gids.length - 4);
    const lines = [
      ...shown.map((gid) => `show ${gid}`),
      ...['json', 'table'].map((form) => `list -o ${form}`),
      ...['audit list', 'audit list -o json', 'audit export', 'audit verify', 'token list', 'token list -o json'],
      ...['nodes', 'nodes -o json', 'topics list', 'topics show mail', 'show none', 'watch account-4'],
    ];
    const left = lines.values();
    const commands = async (): Promise<void> => {
      for (const line of left) await world.command(line.split(' '));
    };
    await Promise.all([commands(), commands(), commands()]);
    await world.command(['list'], { account: `any:${submitter}@` });
    await world.command(['list'], { account: `any:${wrong[0]}@` });
    const doctor = ['doctor', '--config', join(folder, 'config.json'), '--http-port', '0', '-o', 'json'];
    await world.command(doctor);
    expect(world.haystack.contains('holdfast show', '***')).toBe(true);
  });

  it(`prints and responds none of them, in ${LEAST_LINES} lines`, async () => {
    const { haystack, run, secrets, planted } = world;
    for (const name of ['cmdline', 'comm', 'status']) {
      const text = await readFile(`/proc/${run.child.pid}/${name}`, 'utf8');
      haystack.add(`/proc/PID/${name}`, `${text.replaceAll('\0', ' ')}\n`);
    }
    await using follower = new HoldfastProcess([
      'watch',
      'nobody',
      '--server',
      world.url.replace('//', `//any:${viewer}@`),
    ]);
    await vi.waitUntil(
      async () => (await readFile(`/proc/${follower.child.pid}/cmdline`, 'utf8')).includes('***'),
      20_000,
    );
    haystack.add('/proc/PID/cmdline', `${await readFile(`/proc/${follower.child.pid}/cmdline`, 'utf8')}\n`);
    // The rest of the lines, under load: transactions that fail, and pages of metrics.
    let logged = run.out.split('\n').length;
    run.child.stdout.on('data', (text: string) => (logged += text.split('\n').length - 1));
    let count = 0;
    // The alert of a transaction names it in the log.
    await saga(planted, world.shop.url('/echo/x-bank/json/500', account) + query);
    const load = async (): Promise<void> => {
      while (haystack.lines + logged < LEAST_LINES + 2_000) {
        const gid = `load-${count++}`;
        await saga(gid, world.shop.url(`/echo/x-bank/json/${count % 2 === 0 ? 409 : 500}`, account) + query);
        await world.request(`/api/v1/transactions/${gid}`, { headers: bearer(count % 2 === 0 ? jwt : submitter) });
        await world.request('/api/metrics', { headers: { ...bearer(viewer), ...cookie } });
      }
    };
    await Promise.all(Array.from({ length: 6 }, load));
    await vi.waitUntil(() => run.out.includes(planted), { timeout: 20_000 });
    await run.stop();
    haystack.add('log', run.out);
    haystack.add('standard error', `${run.err}\n`);
    expect(haystack.lines).toBeGreaterThanOrEqual(LEAST_LINES);
    // The secrets were in use: participants and the webhook received them, and repeated them.
    const received = world.shop.received.map((each) => JSON.stringify(each)).join('\n');
    const sent = ['token of a participant', 'cookie for a participant', 'key of a participant', 'secret:bank'];
    for (const name of [...sent, 'HOLDFAST_SECRET_env', 'path of the webhook', 'key of the webhook'])
      expect([name, received.includes(JSON.stringify(secrets.get(name)).slice(1, -1))]).toEqual([name, true]);
    expect(haystack.contains('responses 200', '***')).toBe(true);
    expect(haystack.contains('responses 200', '# TYPE holdfast_')).toBe(true);
    // What is planted is found: the search sees the log, the responses and the commands.
    const found = haystack.leaks(new Map([['planted', planted]])).map(({ source }) => source);
    expect(found).toEqual(expect.arrayContaining(['log', 'holdfast nodes', 'responses 200']));
    expect(haystack.leaks(secrets)).toEqual([]);
  });
});
