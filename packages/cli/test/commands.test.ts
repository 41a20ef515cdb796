import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TransactionDetails } from '@holdfast/protocol';
import { callAt, detailsOf, START_MS, statusAt } from './support/details.ts';
import { FakeApi } from './support/fake-api.ts';
import { runCli } from './support/run-cli.ts';

let api: FakeApi;
beforeEach(async () => {
  api = await new FakeApi().listen();
});
afterEach(() => api.close());

const add = (gid: string, change: Partial<TransactionDetails> = {}) =>
  api.transactions.set(gid, detailsOf({ gid, ...change }));
const run = (args: string, input?: readonly string[]) => runCli([...args.split(' '), '--server', api.url], input);

describe('the command line', () => {
  const COMMANDS = ['list', 'show', 'retry', 'abort', 'stop', 'nodes'];
  const TOPICS = ['list', 'show', 'add', 'remove', 'delete'].map((verb) => `topics ${verb}`);

  it.each([...COMMANDS, ...TOPICS])('prints options with examples for "%s --help"', async (command) => {
    const { out, exitCode } = await runCli([...command.split(' '), '--help']);
    expect(exitCode).toBe(0);
    expect(out.join('')).toContain('--server <url>');
    expect(out.join('')).toContain(`$ holdfast ${command}`);
  });

  it.each(['list', 'topics', 'topics remove', 'xa recover'])(
    'prints the same for "help %s" as for --help',
    async (command) => {
      const requested = await runCli(['help', ...command.split(' ')]);
      expect(requested).toEqual(await runCli([...command.split(' '), '--help']));
      expect(requested.out.join('')).toContain(`Usage: holdfast ${command} `);
    },
  );

  it('lists the commands with "help"', async () => {
    const { out, exitCode } = await runCli(['help']);
    expect(exitCode).toBe(0);
    expect(out.join('')).toMatch(/topics .*help \[command\.\.\.\]/s);
  });

  it.each([
    'help paint',
    'help topics paint',
    'list --limit 0',
    'list --limit 1001',
    'list --status done',
    'list --since soon',
    'list --since 1960-01-01',
    'list -o yaml',
    'show',
    'stop',
    'stop order-1',
    'stop order-1 --reason=',
    'topics',
    'topics paint',
  ])('exits with code 2 and the reason on wrong usage: %s', async (args) => {
    const { out, err, exitCode } = await run(args);
    expect([out, exitCode]).toEqual([[], 2]);
    expect(err.join('')).not.toBe('');
  });
});

describe('holdfast list', () => {
  it('shows a table with the columns that an operator needs first', async () => {
    add('order-1', { status: 'succeed', finishedAtMs: START_MS });
    add('order-22', { status: 'failed', rollbackReason: '{"message":"sold out"}' });
    add('order-333', { attention: true, dueAtMs: START_MS + 65_000 });
    const { out, err, exitCode } = await run('list');
    expect(out).toEqual([
      'GID        PATTERN  STATUS     AGE       NOTE',
      'order-1    saga     succeed    1 m 00 s',
      'order-22   saga     failed     1 m 00 s  sold out',
      'order-333  saga     submitted  1 m 00 s  needs attention, next in 5.0 s',
    ]);
    expect([err, exitCode]).toEqual([[], 0]);
  });

  it('prints one page, reports that there are more, and accepts the cursor', async () => {
    for (const n of [1, 2, 3]) add(`order-${n}`);
    const first = await run('list --limit 2 -o ids');
    expect(first.out).toEqual(['order-1', 'order-2']);
    expect(first.err).toEqual(['more transactions match; --cursor 2 prints the next page, --all prints all pages']);
    const second = await run('list --limit 2 --cursor 2 -o ids');
    expect([second.out, second.err]).toEqual([['order-3'], []]);
    const all = await run('list --limit 2 --all -o ids');
    expect([all.out, all.err]).toEqual([['order-1', 'order-2', 'order-3'], []]);
  });

  it('writes one JSON document over all pages', async () => {
    for (const n of [1, 2, 3]) add(`order-${n}`);
    const { out } = await run('list --limit 2 --all -o json');
    expect(JSON.parse(out.join('\n'))).toMatchObject({
      items: [{ gid: 'order-1' }, { gid: 'order-2' }, { gid: 'order-3' }],
      next: null,
    });
    const none = await run('list --status failed -o json');
    expect(JSON.parse(none.out.join('\n'))).toEqual({ items: [], next: null });
  });

  it('continues through short and empty pages until its page is full', async () => {
    add('old-1', { status: 'failed' });
    for (let n = 1; n <= 20; n++) add(`order-${n}`);
    add('old-2', { status: 'failed' });
    for (let n = 21; n <= 30; n++) add(`order-${n}`);
    add('old-3', { status: 'failed' });
    api.examined = 5;
    const two = await run('list --status failed --limit 2 -o ids');
    expect(two.out).toEqual(['old-1', 'old-2']);
    const none = await run('list --status aborting');
    expect(none.err).toEqual(['no transaction matches']);
    const all = await run('list --status failed --all -o ids');
    expect([all.out, all.err]).toEqual([['old-1', 'old-2', 'old-3'], []]);
  });

  it('reports that no transaction matches', async () => {
    add('order-1');
    const { out, err, exitCode } = await run('list --status failed');
    expect([out, err, exitCode]).toEqual([[], ['no transaction matches'], 0]);
  });
});

describe('holdfast show', () => {
  it('prints the timeline', async () => {
    add('order-1', { timeline: [statusAt(0, 'submitted'), callAt(3, '01 action', 'SUCCESS')] });
    const { out } = await run('show order-1');
    expect(out[0]).toBe('saga order-1  submitted');
    expect(out).toContain('      3 ms  ✓ 01 action  shop:80/stock/take  done in 2 ms');
    expect(out.at(-1)).toContain('in progress');
  });

  it('finds stored URLs with coordinates by the grep pattern of the page on deployments', async () => {
    const page = readFileSync(new URL('../../../docs/deployment.md', import.meta.url), 'utf8');
    const pattern = new RegExp(/grep -Eq '([^']+)'/.exec(page)?.[1] ?? 'none');
    const branches = detailsOf().branches.map((branch) => ({ ...branch, url: `${branch.url}&op=x` }));
    add('old-branch', { branches });
    add('old-check-back', { queryPrepared: 'http://shop/check?gid=1' });
    add('new', { result: '?gid=1' });
    const found: string[] = [];
    for (const gid of ['old-branch', 'old-check-back', 'new'])
      if ((await run(`show ${gid} -o json`)).out.some((line) => pattern.test(line))) found.push(gid);
    expect(found).toEqual(['old-branch', 'old-check-back']);
  });

  it('prints everything as JSON', async () => {
    const details = add('order-1', { timeline: [statusAt(0, 'submitted')] }).get('order-1');
    expect(JSON.parse((await run('show order-1 -o json')).out.join('\n'))).toEqual(details);
  });

  it('reports an unknown gid in one line, and suggests a similar one', async () => {
    add('order-1');
    const part = await run('show order-');
    expect(part.err).toEqual([`holdfast: no transaction order- at ${api.url}: did you mean order-1?`]);
    expect(part.exitCode).toBe(1);
    const unknown = await run('show nobody');
    expect(unknown.err).toHaveLength(1);
    expect(unknown.err[0]).toContain('see "holdfast list"');
  });
});

describe('holdfast nodes', () => {
  const node = (name: string, change: object = {}) => ({
    session: `${name}#1`,
    node: name,
    version: '0.2.0',
    startedAtMs: START_MS,
    heartbeatAtMs: START_MS + 88_000,
    owned: 0,
    ...change,
  });

  it('lists the live nodes, their uptime and their transactions, by the time of the store', async () => {
    const old = { session: 'a#1', node: 'a', version: '0.1.0', startedAtMs: START_MS, heartbeatAtMs: START_MS };
    api.nodes = { nowMs: START_MS + 90_000, items: [node('shop-2', { owned: 12 }), old] };
    expect((await run('nodes')).out).toEqual([
      'NODE    VERSION  SINCE                 LAST HEARTBEAT  HOLDS  SESSION',
      'a       0.1.0    2026-01-31 12:00:00Z  1 m 30 s ago    ?      a#1',
      'shop-2  0.2.0    2026-01-31 12:00:00Z  2.0 s ago       12     shop-2#1',
    ]);
    expect((await run('nodes -o ids')).out).toEqual(['a#1', 'shop-2#1']);
    expect(JSON.parse((await run('nodes -o json')).out.join('\n'))).toEqual({
      nowMs: START_MS + 90_000,
      items: [old, node('shop-2', { owned: 12 })],
    });
  });
});

describe('holdfast retry, abort, stop', () => {
  it('are carried out for one transaction', async () => {
    add('order-1');
    const retried = await run('retry order-1');
    expect([retried.out, retried.err, retried.exitCode]).toEqual([['✓ order-1  driven now (submitted)'], [], 0]);
    const aborted = await run('abort order-1 --reason mistake');
    expect(aborted.out).toEqual(['✓ order-1  rolling back (aborting)']);
    const stopped = await run('stop order-1 --reason INC-42');
    expect(stopped.out).toEqual(['✓ order-1  force-stopped (failed)']);
    expect(api.orders).toEqual(['retry order-1', 'abort order-1 mistake', 'stop order-1 INC-42']);
  });

  it('are carried out for many, also from standard input, and exit with code 1 when one was rejected', async () => {
    for (const n of [1, 2, 3]) add(`order-${n}`);
    add('order-4', { status: 'succeed' });
    const { out, err, exitCode } = await run('stop order-1 - nobody --reason INC-42', [
      'order-2\n\n  order',
      '-3  \r\norder-4',
    ]);
    expect(out.toSorted()).toEqual([
      '✓ order-1  force-stopped (failed)',
      '✓ order-2  force-stopped (failed)',
      '✓ order-3  force-stopped (failed)',
      expect.stringContaining('✗ nobody  no transaction nobody'),
      '✗ order-4  order-4 is succeed: too late',
    ]);
    expect([err, exitCode]).toEqual([['3 of 5 force-stopped, 2 not'], 1]);
  });

  it('print the gids for the next command, or one JSON document per line', async () => {
    add('order-1');
    add('order-2', { status: 'failed' });
    const ids = await run('retry order-1 order-2 -o ids');
    expect(ids.out).toEqual(['order-1']);
    expect(ids.err).toEqual(['holdfast: order-2 is failed: too late', '1 of 2 driven now, 1 not']);
    const json = await run('retry order-1 order-2 -o json');
    expect(json.out.map((line) => JSON.parse(line) as unknown)).toEqual([
      { gid: 'order-1', status: 'submitted' },
      { gid: 'order-2', error: 'order-2 is failed: too late' },
    ]);
  });

  it('report that standard input is empty, and do nothing', async () => {
    const { err, exitCode } = await run('retry -', []);
    expect([err, exitCode]).toEqual([['no gid was specified'], 0]);
  });

  it('stop at once when the coordinator becomes unreachable', async () => {
    api.breakage = {
      status: 503,
      body: JSON.stringify({ type: '', title: '', status: 503, detail: 'stopping', code: 'unavailable' }),
    };
    const { out, err, exitCode } = await run('retry a b c d e f g h i j k l');
    expect([out, err, exitCode]).toEqual([[], ['holdfast: stopping'], 3]);
  });
});

describe('holdfast topics', () => {
  it('adds, lists, shows and removes subscribers, and deletes topics', async () => {
    await run('topics add paid http://mail/paid --remark mail');
    await run('topics add paid http://stock/paid');
    await run('topics add sent http://mail/sent');
    expect((await run('topics list')).out).toEqual(['TOPIC  SUBSCRIBERS', 'paid   2', 'sent   1']);
    expect((await run('topics show paid')).out).toEqual([
      'URL                REMARK',
      'http://mail/paid   mail',
      'http://stock/paid',
    ]);
    expect((await run('topics remove paid http://mail/paid')).exitCode).toBe(0);
    expect((await run('topics show paid -o ids')).out).toEqual(['http://stock/paid']);
    expect((await run('topics delete paid')).exitCode).toBe(0);
    expect((await run('topics list -o ids')).out).toEqual(['sent']);
  });

  it('shows one topic with a single request, however many topics there are', async () => {
    for (const topic of ['a', 'b/c', 'd']) await run(`topics add ${topic} http://mail/${topic}`);
    api.requests.length = 0;
    expect((await run('topics show d -o ids')).out).toEqual(['http://mail/d']);
    expect((await run('topics show b/c -o ids')).out).toEqual(['http://mail/b/c']);
    expect(api.requests).toEqual(['GET /api/v1/topics/d', 'GET /api/v1/topics/b%2Fc']);
  });

  it('reports in one line that there is no such topic', async () => {
    const shown = await run('topics show paid');
    expect(shown.exitCode).toBe(1);
    expect(shown.err).toEqual([`holdfast: no topic paid at ${api.url}; see "holdfast topics list"`]);
    expect((await run('topics delete paid')).err).toEqual(['holdfast: no topic paid']);
  });
});

describe('a coordinator address without a coordinator', () => {
  it('is reported with a fix when nothing listens there', async () => {
    await api.close();
    const { err, exitCode } = await run('list');
    expect(err).toHaveLength(1);
    expect(err[0]).toContain(`no coordinator responds at ${api.url} (ECONNREFUSED): start one with "holdfast serve"`);
    expect(exitCode).toBe(3);
    api = await new FakeApi().listen();
  });

  it('is reported when another program listens there', async () => {
    api.breakage = { status: 200, body: '<html>' };
    const { err, exitCode } = await run('list');
    expect([err.length, exitCode]).toEqual([1, 3]);
    expect(err[0]).toContain('is not a Holdfast coordinator');
  });

  it('is rejected when it is not a URL', async () => {
    const { err, exitCode } = await runCli(['list', '--server', 'localhost:36789']);
    expect([err.length, exitCode]).toEqual([1, 2]);
  });
});
