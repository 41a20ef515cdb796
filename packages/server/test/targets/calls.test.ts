import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConfigError, startServer } from '@holdfast/server';
import { always, Participants } from '@holdfast/testing/participants';
import { TestServer } from '../support/running-server.ts';

const LOOPBACK = ['127.0.0.0/8'];
const REFUSED = 'not called: 127.0.0.1 is in 127.0.0.0/8 (loopback), which no rule of branchTargets allows';

let folder: string;
let branchTargetsFile: string;
let shop: Participants;
let server: TestServer | undefined;
let lines: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-targets-'));
  branchTargetsFile = join(folder, 'targets.yaml');
  shop = await Participants.start();
  lines = [];
  server = undefined;
});
afterEach(async () => {
  await Promise.all([server?.[Symbol.asyncDispose](), shop[Symbol.asyncDispose]()]);
  await rm(folder, { recursive: true });
});

async function rules(value: unknown): Promise<void> {
  await writeFile(`${branchTargetsFile}.new`, typeof value === 'string' ? value : JSON.stringify(value));
  await rename(`${branchTargetsFile}.new`, branchTargetsFile);
  await server?.running.reload();
}

const log = {
  debug: () => {},
  info: (_: unknown, text: string) => void lines.push(`info ${text}`),
  warn: (_: unknown, text: string) => void lines.push(`warn ${text}`),
  error: (_: unknown, text: string) => void lines.push(`error ${text}`),
};

async function start(values = {}): Promise<TestServer> {
  server = await TestServer.start(
    { branchTargetsFile, retryInterval: 10, maxRetryInterval: 10, ...values },
    { log: log as never },
  );
  return server;
}

interface Details {
  readonly status: string;
  readonly attention: boolean;
  readonly timeline: readonly { readonly kind: string; readonly result?: string; readonly reason?: string }[];
}

const details = async (running: TestServer, gid: string) =>
  (await running.get(`/api/v1/transactions/${gid}`)).json as unknown as Details;

const until = (running: TestServer, gid: string, holds: (seen: Details) => boolean) =>
  vi.waitUntil(async () => holds(await details(running, gid)), { timeout: 10_000, interval: 5 });

const wasRefused = ({ timeline }: Details): boolean => timeline.some(({ reason }) => reason === REFUSED);

describe('a target that is allowed no more', () => {
  it('is not called: the reason is in the timeline, an alert is raised, and the call succeeds once it is allowed', async () => {
    await rules(LOOPBACK);
    // The operator's webhook is exempt.
    const running = await start({ alertAfterRetries: 2, alertWebhook: shop.url('/alert') });
    shop.respond('/a', always(500));
    await running.post('/api/v1/transactions', { gid: 'g', pattern: 'saga', steps: [{ action: shop.url('/a') }] });
    await vi.waitUntil(() => shop.calls.some((call) => call.endsWith('/a')), { timeout: 10_000, interval: 2 });
    await rules(['*']);
    await until(running, 'g', wasRefused);
    await vi.waitUntil(() => shop.calls.some((call) => call.endsWith('/alert')), { timeout: 10_000, interval: 2 });
    const refused = await details(running, 'g');
    expect(refused.status).toBe('submitted');
    expect(
      refused.timeline.filter(({ reason }) => reason === REFUSED).every(({ result }) => result === 'UNKNOWN'),
    ).toBe(true);
    const calls = shop.calls.filter((call) => call.endsWith('/a')).length;

    shop.respond('/a', always(200));
    await rules(LOOPBACK);
    await until(running, 'g', ({ status }) => status === 'succeed');
    expect(shop.calls.filter((call) => call.endsWith('/a'))).toHaveLength(calls + 1);
  });

  it('receives no check-back of a message', async () => {
    await rules(LOOPBACK);
    const running = await start({ timeoutToFail: 1_000 });
    const message = {
      gid: 'm',
      pattern: 'msg',
      status: 'prepared',
      steps: [{ action: shop.url('/a') }],
      timeoutToFailMs: 1_000,
    };
    const prepared = await running.post('/api/v1/transactions', { ...message, queryPrepared: shop.url('/query') });
    expect(prepared.status).toBe(200);
    await rules(['*']);
    await until(running, 'm', wasRefused);
    expect(await details(running, 'm')).toMatchObject({ status: 'prepared' });
    expect(shop.calls).toEqual([]);
  });

  it('is not called back to resume a workflow', async () => {
    await rules(LOOPBACK);
    const running = await start({ timeoutToFail: 1_000 });
    const workflow = { gid: 'w', pattern: 'workflow', workflow: { name: 'w' }, timeoutToFailMs: 1_000 };
    await running.post('/api/v1/transactions', { ...workflow, queryPrepared: shop.url('/resume') });
    await rules(['*']);
    await until(running, 'w', wasRefused);
    const calls = shop.calls.length;
    await running.post('/api/v1/transactions/w/retry');
    const refusals = ({ timeline }: Details) => timeline.filter(({ reason }) => reason === REFUSED).length;
    await until(running, 'w', (seen) => refusals(seen) > 1);
    expect(shop.calls).toHaveLength(calls);
  });

  it('rejects a message to a topic with such a subscriber, and names both', async () => {
    await rules(LOOPBACK);
    const running = await start();
    await running.request('PUT', '/api/v1/topics/paid/subscribers', { url: shop.url('/a') });
    await rules(['*']);
    const message = { gid: 'm', pattern: 'msg', steps: [{ action: 'topic://paid' }] };
    const rejected = await running.post('/api/v1/transactions', message);
    expect([rejected.status, rejected.json.field]).toEqual([400, 'steps[0].action']);
    expect(rejected.text).toContain(
      'topic paid has a subscriber that cannot be called: 127.0.0.1 is in 127.0.0.0/8 (loopback), which no rule of branchTargets allows',
    );
    await rules(LOOPBACK);
    expect((await running.post('/api/v1/transactions?waitMs=20000', message)).json.status).toBe('succeed');
  });
});

describe('the file of rules', () => {
  it('may be YAML with rules per namespace, and changes without a restart', async () => {
    await rules('rules:\n  - "*.example" # every participant\nnamespaces:\n  default: [127.0.0.1]\n');
    const running = await start();
    const submit = (gid: string) =>
      running.post('/api/v1/transactions?waitMs=20000', { gid, pattern: 'saga', steps: [{ action: shop.url('/a') }] });
    expect((await submit('g1')).json.status).toBe('succeed');
    await rules('rules: ["*.example"]\nnamespaces: {other: [127.0.0.1]}\n');
    expect((await submit('g2')).status).toBe(400);
    expect(lines).toContain('info the rules for branch targets have changed');
  });

  it.each([
    ['rules: ["ftp://x"]', 'the rule "ftp://x" has the scheme "ftp"'],
    ['namespaces: {bank: []}', 'namespace "bank" has no rules'],
    ['rule: []', '"rule" is neither rules nor namespaces'],
    ['rules: 5', 'rules must be a list of rules'],
    ['rules: [5]', 'rules must be a list of rules'],
    ['namespaces: [x]', 'namespaces must be a map'],
    ['just text', 'it must be a list of rules, or a map with rules and namespaces'],
    ['rules: [*.shop.example]', 'it is neither YAML nor JSON'],
    ['rules: ["*"', 'it is neither YAML nor JSON'],
    [Buffer.from([0xff, 0xfe]).toString('latin1'), 'list of rules'],
    [`# ${'x'.repeat(300_000)}`, 'it is longer than 262144 bytes'],
  ])('%j stops the start with one line, and at a reload keeps the rules that are in use', async (text, fault) => {
    await rules(text);
    const started = startServer({ store: 'memory:', httpPort: 0, branchTargetsFile });
    await expect(started).rejects.toThrow(ConfigError);
    await expect(started).rejects.toThrow(fault);
    await expect(started).rejects.toThrow(/^--branch-targets-file \S+: [^\n]*$/);

    await rules(LOOPBACK);
    const running = await start();
    await rules(text);
    expect(lines.filter((line) => line.startsWith('warn'))).toEqual([expect.stringContaining(fault)]);
    const response = await running.post('/api/v1/transactions?waitMs=20000', {
      gid: 'g',
      pattern: 'saga',
      steps: [{ action: shop.url('/a') }],
    });
    expect(response.json.status).toBe('succeed');
  });
});

describe('the option branchTargets', () => {
  it('that is not valid stops the start with one line that names the rule', async () => {
    const started = startServer({ store: 'memory:', httpPort: 0, branchTargets: ['*.shop.example', 'ftp://x'] });
    await expect(started).rejects.toThrow('--branch-targets: the rule "ftp://x" has the scheme "ftp"');
  });

  it('and the file exclude each other', async () => {
    await rules(LOOPBACK);
    const started = startServer({ store: 'memory:', httpPort: 0, branchTargets: ['*'], branchTargetsFile });
    await expect(started).rejects.toThrow('--branch-targets and --branch-targets-file exclude each other');
  });
});

it('a branch cannot call the coordinator, unless a rule names its port', async () => {
  await rules(LOOPBACK);
  const running = await start();
  const steps = [{ action: `${running.url}/api/dtmsvr/forceStop` }];
  const rejected = await running.post('/api/v1/transactions', { gid: 'g', pattern: 'saga', steps });
  expect(rejected.status).toBe(400);
  expect(rejected.text).toContain('this coordinator listens at');
  const grpc = [{ action: `${running.running.grpcAddress}/dtmgimp.Dtm/Submit` }];
  expect((await running.post('/api/v1/transactions', { gid: 'g', pattern: 'saga', steps: grpc })).status).toBe(400);
  await rules([`127.0.0.1:${new URL(running.url).port}`]);
  const accepted = await running.post('/api/v1/transactions', { gid: 'g', pattern: 'saga', steps });
  expect(accepted.status).toBe(200);
});
