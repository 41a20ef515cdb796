import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConfigError, secretsOfEnvironment, startServer } from '@holdfast/server';
import { GrpcParticipant } from '@holdfast/testing/grpc-participant';
import { always, Participants } from '@holdfast/testing/participants';
import { GrpcClient } from '../support/grpc-client.ts';
import { TestServer } from '../support/running-server.ts';

const SECRET = 'p4rtner/token+"of\\bank';
const SPELLING = 'a reference to a secret must be secret:NAME, in lower case, and either the whole value or after';
const MISSING = 'secret:bank is not a secret of this coordinator for namespace default';

let folder: string;
let secretsDir: string;
let shop: Participants;
let grpcShop: GrpcParticipant;
let server: TestServer | undefined;
let lines: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-secrets-'));
  secretsDir = join(folder, 'secrets');
  await mkdir(secretsDir);
  [shop, grpcShop] = await Promise.all([Participants.start(), GrpcParticipant.start()]);
  lines = [];
  server = undefined;
});
afterEach(async () => {
  await Promise.all([server?.[Symbol.asyncDispose](), shop[Symbol.asyncDispose](), grpcShop[Symbol.asyncDispose]()]);
  await rm(folder, { recursive: true });
});

const secret = (name: string, text: string) => writeFile(join(secretsDir, name), text, { mode: 0o600 });

const line = (fields: unknown, text: string): void => void lines.push(`${text} ${JSON.stringify(fields)}`);
const log = { debug: line, info: line, warn: line, error: line };

async function start(values = {}, secrets?: ReadonlyMap<string, string>): Promise<TestServer> {
  server = await TestServer.start(
    { secretsDir, branchTargets: ['127.0.0.0/8'], retryInterval: 10, maxRetryInterval: 10, ...values },
    { log: log as never, ...(secrets !== undefined && { secrets }) },
  );
  return server;
}

interface Details {
  readonly status: string;
  readonly attention: boolean;
  readonly timeline: readonly { readonly kind: string; readonly result?: string; readonly reason?: string }[];
}

const details = async (gid: string) =>
  (await (server as TestServer).get(`/api/v1/transactions/${gid}`)).json as unknown as Details;
const until = (gid: string, holds: (seen: Details) => boolean) =>
  vi.waitUntil(async () => holds(await details(gid)), { timeout: 10_000, interval: 5 });
const finished = (gid: string) => until(gid, ({ status }) => status === 'succeed');

const saga = (gid: string, branchHeaders: Record<string, string>, more = {}) => ({
  gid,
  pattern: 'saga',
  steps: [{ action: shop.url('/a'), payload: {} }],
  branchHeaders,
  ...more,
});
const submit = (...args: Parameters<typeof saga>) => (server as TestServer).post('/api/v1/transactions', saga(...args));
const sentTo = (path: string, header: string): unknown =>
  shop.seen.find(({ url }) => url.pathname === path)?.headers[header];

describe('a reference to a secret in branch_headers', () => {
  it('is replaced in calls over HTTP, as the whole value and after a scheme; the record keeps the reference', async () => {
    await secret('bank', `${SECRET}\n`);
    const running = await start();
    await submit('g', {
      'X-Partner': 'secret:bank',
      authorization: 'Bearer secret:bank',
      other: 'it is a secret:bank',
    });
    await finished('g');
    expect(sentTo('/a', 'x-partner')).toBe(SECRET);
    expect(sentTo('/a', 'authorization')).toBe(`Bearer ${SECRET}`);
    expect(sentTo('/a', 'other')).toBe('it is a secret:bank');
    const shown = `${(await running.get('/api/v1/transactions/g')).text}${JSON.stringify(await running.query('g'))}`;
    expect(shown).toContain('secret:bank');
    expect(shown).not.toContain(SECRET);
  });

  it('is replaced in calls over JSON-RPC and gRPC, and in check-backs', async () => {
    await secret('bank', SECRET);
    const running = await start({ timeoutToFail: 1_000 });
    const headers = { 'x-partner': 'secret:bank' };
    shop.respond('/rpc', always(200, '{"jsonrpc":"2.0","id":1,"result":{}}'));
    await submit('rpc', headers, { protocol: 'json-rpc', steps: [{ action: shop.url('/rpc?method=m'), payload: {} }] });
    const body = { gid: 'msg', pattern: 'msg', status: 'prepared', branchHeaders: headers, timeoutToFailMs: 1_000 };
    await running.post('/api/v1/transactions', {
      ...body,
      steps: [{ action: shop.url('/b') }],
      queryPrepared: shop.url('/query'),
    });
    const dtm = new GrpcClient(running.running.grpcAddress);
    const { code, message } = await dtm.call('Submit', {
      Gid: 'grpc',
      TransType: 'saga',
      Steps: JSON.stringify([{ action: grpcShop.url('TransIn') }]),
      BinPayloads: [Buffer.from('{}')],
      ReqExtra: {},
      TransOptions: { BranchHeaders: headers },
    });
    dtm[Symbol.dispose]();
    expect([code, message]).toEqual([0, '']);
    for (const gid of ['rpc', 'msg', 'grpc']) await finished(gid);
    expect(sentTo('/rpc', 'x-partner')).toBe(SECRET);
    expect(sentTo('/query', 'x-partner')).toBe(SECRET);
    expect(grpcShop.seen[0]?.metadata['x-partner']).toBe(SECRET);
  });

  it.each([
    ['an unknown name', 'secret:other', 'secret:other is not a secret of this coordinator for namespace default'],
    ['a path', 'secret:../bank', 'the name after secret: must have 1 to 64 letters'],
    ['a hidden file', 'Bearer secret:.bank', 'the name after secret: must have 1 to 64 letters'],
    ['no name', 'secret:', 'the name after secret: must have 1 to 64 letters'],
    ['two words', 'secret:bank x', 'the name after secret: must have 1 to 64 letters'],
    ['two blanks', 'Bearer  secret:bank', SPELLING],
    ['capital letters', 'Bearer SECRET:bank', SPELLING],
    ['a notation of templates', '${secret:bank}', SPELLING],
  ])('is rejected with %s, and nothing is stored', async (_case, value, reason) => {
    await secret('bank', SECRET);
    await mkdir(join(secretsDir, 'bank.d'));
    const running = await start();
    const v1 = await submit('g', { authorization: value });
    expect([v1.status, v1.json.code, v1.json.field]).toEqual([400, 'invalid', 'branchHeaders.authorization']);
    expect(v1.text).toContain(reason);
    const body = {
      gid: 'g',
      trans_type: 'saga',
      steps: [{ action: shop.url('/a') }],
      payloads: ['{}'],
      branch_headers: { authorization: value },
    };
    const [rest, rpc] = [await running.dtm('submit', body), await running.rpc('submit', body)];
    expect([rest.status, rest.json.field]).toEqual([400, 'branch_headers.authorization']);
    expect(rest.text).toContain(reason);
    expect(JSON.stringify(rpc.json.error)).toContain(reason);
    const dtm = new GrpcClient(running.running.grpcAddress);
    const grpc = await dtm.call('Submit', {
      Gid: 'g',
      TransType: 'saga',
      Steps: JSON.stringify([{ action: grpcShop.url('TransIn') }]),
      BinPayloads: [Buffer.from('{}')],
      TransOptions: { BranchHeaders: { authorization: value } },
    });
    dtm[Symbol.dispose]();
    expect([grpc.code, grpc.message]).toEqual([3, expect.stringContaining(reason)]);
    expect((await running.query('g')).transaction).toBeNull();
    expect(shop.calls).toEqual([]);
  });

  it('is rejected by a coordinator without secrets, and is not sent as it is', async () => {
    await start({ secretsDir: '' });
    const response = await submit('g', { authorization: 'Bearer secret:bank' });
    expect([response.status, response.text]).toEqual([400, expect.stringContaining('this coordinator has no secrets')]);
  });

  it('is UNKNOWN while its file is missing: nothing is compensated, and the call succeeds once the file is back', async () => {
    await secret('bank', SECRET);
    const running = await start({ alertAfterRetries: 2 });
    shop.respond('/a', always(500));
    await submit(
      'g',
      { authorization: 'secret:bank' },
      {
        steps: [{ action: shop.url('/a'), compensate: shop.url('/undo'), payload: {} }],
      },
    );
    await vi.waitUntil(() => shop.calls.length > 0, { timeout: 10_000, interval: 2 });
    await rm(join(secretsDir, 'bank'));
    await running.running.reload();
    const missing = `not called: ${MISSING} (header authorization)`;
    await until('g', ({ timeline }) => timeline.some(({ reason }) => reason === missing));
    await until('g', ({ attention }) => attention);
    const seen = await details('g');
    expect(seen.status).toBe('submitted');
    expect(seen.timeline.find(({ reason }) => reason === missing)).toMatchObject({ result: 'UNKNOWN' });
    shop.respond('/a', always(200));
    await secret('bank', 'another-token');
    await running.running.reload();
    await finished('g');
    expect(shop.seen.at(-1)?.headers['authorization']).toBe('another-token');
    expect(shop.calls.some((call) => call.endsWith('/undo'))).toBe(false);
  });

  it('is hidden where a participant repeats it, in all encodings and in a header of any name', async () => {
    await secret('bank', SECRET);
    const running = await start();
    const forms = [
      SECRET,
      JSON.stringify(SECRET).slice(1, -1),
      encodeURIComponent(SECRET),
      Buffer.from(`Bearer ${SECRET}`).toString('base64'),
      Buffer.from(SECRET).toString('base64url'),
    ];
    const echo = forms.join(' ; ');
    shop.respond('/a', always(500, echo));
    grpcShop.behave = () => ({ code: 2, message: echo });
    // Of two secrets with the same end, none leaves the beginning of the other.
    await submit('g', { 'x-plain': 'secret:bank', 'x-api-key': 'another-key"of\\bank' });
    const dtm = new GrpcClient(running.running.grpcAddress);
    await dtm.call('Submit', {
      Gid: 'grpc',
      TransType: 'saga',
      Steps: JSON.stringify([{ action: grpcShop.url('TransIn') }]),
      BinPayloads: [Buffer.from('{}')],
      TransOptions: { BranchHeaders: { 'x-plain': 'secret:bank' } },
    });
    dtm[Symbol.dispose]();
    let shown = '';
    for (const gid of ['g', 'grpc']) {
      await until(gid, ({ timeline }) => timeline.some(({ reason = '' }) => reason.includes('***')));
      shown += (await running.get(`/api/v1/transactions/${gid}`)).text + JSON.stringify(await running.query(gid));
    }
    shown += lines.join('\n') + (await running.get('/metrics')).text;
    for (const form of [...forms, forms[3]?.slice(12, -4) ?? '', 'p4rtner']) expect(shown).not.toContain(form);
  });
});

describe('the secrets of a namespace', () => {
  it('are the files of its folder, and those of the environment belong to the namespace default', async () => {
    await mkdir(join(secretsDir, 'pay'));
    await secret('bank', 'of-default');
    await secret('pay/bank', 'of-payments');
    const running = await start({}, secretsOfEnvironment({ HOLDFAST_SECRET_TOKEN: 'of-environment', OTHER: 'x' }));
    const inNamespace = (namespace: string, gid: string, name: string) =>
      running.request(
        'POST',
        '/api/v1/transactions',
        saga(gid, { h: `secret:${name}` }, { steps: [{ action: shop.url(`/${gid}`) }] }),
        { 'holdfast-namespace': namespace },
      );
    expect((await inNamespace('default', 'g1', 'bank')).status).toBe(200);
    expect((await inNamespace('pay', 'g2', 'bank')).status).toBe(200);
    expect((await inNamespace('default', 'g3', 'TOKEN')).status).toBe(200);
    await shop.called(3);
    expect(['/g1', '/g2', '/g3'].map((path) => sentTo(path, 'h'))).toEqual([
      'of-default',
      'of-payments',
      'of-environment',
    ]);
    for (const [namespace, name] of [
      ['pay', 'TOKEN'],
      ['shop', 'bank'],
      ['default', 'pay'],
      ['default', '__proto__'],
      ['constructor', 'name'],
    ] as const)
      expect([namespace, (await inNamespace(namespace, 'no', name)).status]).toEqual([namespace, 400]);
  });

  it('are only sent to targets that a rule allows', async () => {
    await secret('bank', SECRET);
    await expect(startServer({ store: 'memory:', httpPort: 0, secretsDir })).rejects.toThrow(
      '--secrets-dir requires --branch-targets or --branch-targets-file',
    );
    const environment = { secrets: secretsOfEnvironment({ HOLDFAST_SECRET_TOKEN: 'of-environment' }) };
    await expect(startServer({ store: 'memory:', httpPort: 0 }, environment)).rejects.toThrow(
      'requires --branch-targets',
    );
    await start({ branchTargets: ['deny 10.0.0.0/8'] });
    const response = await submit('g', { h: 'secret:bank' });
    expect([response.status, response.text]).toEqual([
      400,
      expect.stringContaining('no rule of branchTargets allows any target of namespace default'),
    ]);
  });
});

describe('a folder of secrets', () => {
  const fault = async (): Promise<string> => {
    const error = await startServer({ store: 'memory:', httpPort: 0, secretsDir, branchTargets: ['*'] }).then(
      () => new Error('it started'),
      (thrown: unknown) => thrown as Error,
    );
    expect(error).toBeInstanceOf(ConfigError);
    return error.message.replace(secretsDir, 'DIR');
  };

  it.each([
    ['empty', '', 'it is empty'],
    ['short', 'seven77', 'a secret must have 8 to 4096 characters'],
    ['long', 'x'.repeat(4_097), 'a secret must have 8 to 4096 characters'],
    ['two-lines', 'line-one\nline-two', 'it must contain one line'],
    ['nul', 'with\0inside', 'a secret for a header must be one line of printable ASCII, without a space at its ends'],
    ['latin', 'schlüssel', 'a secret for a header must be one line of printable ASCII, without a space at its ends'],
    [
      'space',
      ' leading-space',
      'a secret for a header must be one line of printable ASCII, without a space at its ends',
    ],
  ])('with the file %s stops the start with one line without the content', async (name, text, reason) => {
    await secret(name, text);
    expect(await fault()).toBe(`--secrets-dir DIR: the file "${name}" in it cannot be used: ${reason}`);
  });

  it('with a bad name, too many files, or that does not exist stops the start', async () => {
    await secret('a b', SECRET);
    expect(await fault()).toContain('the name of a file in it, "a b", must have 1 to 64 letters');
    await rm(join(secretsDir, 'a b'));
    await mkdir(join(secretsDir, 'not a namespace'));
    expect(await fault()).toContain('the name of a folder in it, "not a namespace", ');
    await rm(join(secretsDir, 'not a namespace'), { recursive: true });
    await mkdir(join(secretsDir, 'default'));
    await secret('bank', SECRET);
    await secret('default/bank', SECRET);
    expect(await fault()).toContain('the file "bank" in it exists twice, also in the folder default');
    await rm(secretsDir, { recursive: true });
    expect(await fault()).toBe('--secrets-dir DIR: there is no such file');
    await mkdir(secretsDir);
    await Promise.all(Array.from({ length: 1_001 }, (_, index) => secret(`s${index}`, SECRET)));
    expect(await fault()).toBe('--secrets-dir DIR: it contains more than 1000 secrets');
  });

  it('as Kubernetes mounts it is followed when its link ..data changes; a bad version keeps the old one', async () => {
    const version = async (name: string, text: string): Promise<void> => {
      await mkdir(join(secretsDir, name));
      await writeFile(join(secretsDir, name, 'bank'), text, { mode: 0o600 });
      await symlink(name, join(secretsDir, '..data_tmp'));
      await rename(join(secretsDir, '..data_tmp'), join(secretsDir, '..data'));
    };
    await version('..2026_01', 'first-token');
    await symlink('..data/bank', join(secretsDir, 'bank'));
    const running = await start();
    const sent = async (gid: string): Promise<unknown> => {
      await submit(gid, { h: 'secret:bank' }, { steps: [{ action: shop.url(`/${gid}`) }] });
      await finished(gid);
      return sentTo(`/${gid}`, 'h');
    };
    expect(await sent('g1')).toBe('first-token');
    await version('..2026_02', 'second-token');
    // Without a signal: the folder is checked every two seconds.
    await vi.waitUntil(() => lines.filter((text) => text.startsWith('secrets for branch headers')).length > 1, 10_000);
    expect(await sent('g2')).toBe('second-token');
    await version('..2026_03', 'b\nad-token');
    await running.running.reload();
    expect(lines.filter((text) => text.includes('the previous content stays in use'))).toHaveLength(1);
    expect(await sent('g3')).toBe('second-token');
    expect(lines.join('\n')).not.toMatch(/(?:first|second|ad)-token/);
  });
});

describe('a variable HOLDFAST_SECRET_…', () => {
  it('with a bad name or value stops the start without its value', () => {
    for (const [variable, value, reason] of [
      ['HOLDFAST_SECRET_', 'valid-text', 'the name after HOLDFAST_SECRET_ must have'],
      ['HOLDFAST_SECRET__A', 'valid-text', 'the name after HOLDFAST_SECRET_ must have'],
      ['HOLDFAST_SECRET_A', 'short', 'a secret must have 8 to 4096 characters'],
      ['HOLDFAST_SECRET_A', 'two-lines\nof text', 'must be one line'],
    ] as const) {
      const attempt = () => secretsOfEnvironment({ [variable]: value });
      expect(attempt).toThrow(ConfigError);
      expect(attempt).toThrow(reason);
      expect(attempt).not.toThrow(value);
    }
    expect(secretsOfEnvironment({ HOLDFAST_SECRET_A: 'with-a-line-break\n', HOLDFAST_SECRET_B: '' })).toEqual(
      new Map([['A', 'with-a-line-break']]),
    );
  });
});
