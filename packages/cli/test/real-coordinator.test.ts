import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type RunningServer, startServer } from '@holdfast/server';
import { runCli } from './support/run-cli.ts';

/** The commands against a real coordinator and a branch whose responses the test chooses. */
let coordinator: RunningServer;
let branch: Server;
let branchUrl: string;
let branchStatus: number;

beforeEach(async () => {
  branchStatus = 200;
  branch = createServer((request, response) => {
    request.resume();
    response.writeHead(request.url?.startsWith('/ok') === true ? 200 : branchStatus).end();
  });
  branch.listen(0, '127.0.0.1');
  await once(branch, 'listening');
  branchUrl = `http://127.0.0.1:${(branch.address() as AddressInfo).port}`;
  coordinator = await startServer({ store: 'memory:', httpPort: 0 });
});

afterEach(async () => {
  await coordinator.close();
  branch.closeAllConnections();
  branch.close();
});

const run = (args: string, input?: readonly string[]) =>
  runCli([...args.split(' '), '--server', coordinator.url], input);

/** Submits a saga of a step that always succeeds and a step that responds with `branchStatus`. */
async function submit(gid: string): Promise<void> {
  const steps = [
    { action: `${branchUrl}/ok/take`, compensate: `${branchUrl}/ok/put-back`, payload: 1 },
    { action: `${branchUrl}/moody`, compensate: `${branchUrl}/ok/undo`, payload: 1 },
  ];
  const response = await fetch(`${coordinator.url}/api/v1/transactions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ gid, pattern: 'saga', steps, retryIntervalMs: 60_000 }),
  });
  expect(response.status).toBe(200);
}

/** Waits until `holdfast show` prints `what`. */
const shows = (gid: string, what: string | RegExp) =>
  expect.poll(async () => (await run(`show ${gid}`)).out.join('\n'), { timeout: 20_000 }).toMatch(what);

describe('the commands with a real coordinator', () => {
  it('show and list transactions that succeeded', async () => {
    await submit('order-1');
    await shows('order-1', /saga order-1 {2}succeed\n(?:.|\n)*✓ 02 action {2}127\.0\.0\.1:\d+\/moody {4}done in/);
    const { out } = await run('list --status succeed --pattern saga --since 1d -o ids');
    expect(out).toEqual(['order-1']);
    const json = JSON.parse((await run('list -o json')).out.join('\n')) as { items: unknown[] };
    expect(json).toMatchObject({ items: [{ gid: 'order-1', status: 'succeed' }], next: null });
  });

  it('retry a transaction that waits for its next attempt, which then succeeds', async () => {
    branchStatus = 500;
    await submit('order-1');
    await shows('order-1', /↻ 02 action .* HTTP 500; again in 1 m/);
    branchStatus = 200;
    expect(await run('retry order-1')).toMatchObject({ out: ['✓ order-1  driven now (submitted)'], exitCode: 0 });
    await shows('order-1', /▸ operator {3}retry now\n(?:.|\n)*attempt 2\n(?:.|\n)*● succeed$/);
  });

  it('abort a transaction, and its actions are compensated', async () => {
    branchStatus = 500;
    await submit('order-1');
    await shows('order-1', /HTTP 500/);
    expect((await run('abort order-1 --reason mistake')).exitCode).toBe(0);
    await shows('order-1', /rolled back; reason: mistake\n(?:.|\n)*↩ 01 compensate(?:.|\n)*● failed/);
  });

  it('stop a transaction without compensation, and reject a finished and an unknown one', async () => {
    branchStatus = 500;
    await submit('order-1');
    await shows('order-1', /HTTP 500/);
    const { out, err, exitCode } = await run('stop - --reason INC-42', ['order-1\n', 'order-2\n']);
    expect(out).toContain('✓ order-1  force-stopped (failed)');
    expect(out.find((line) => line.includes('order-2'))).toMatch(/^✗ order-2 {2}no transaction order-2/);
    expect([err, exitCode]).toEqual([['1 of 2 force-stopped, 1 not'], 1]);
    const shown = (await run('show order-1')).out.join('\n');
    expect(shown).not.toMatch(/ compensate |rolled back/);
    expect(shown).toMatch(
      /force-stopped by an operator: INC-42\nnothing was compensated; correct the remaining effects by hand:\n {2}01 action {2}\S+\/ok\/take {2}done\n {2}02 action {2}\S+\/moody {2}may have run/,
    );
    expect((await run('list')).out.join('\n')).toContain('force-stopped, effects may remain: INC-42');
    const again = await run('stop order-1 --reason again');
    expect(again.exitCode).toBe(1);
    expect(again.out[0]).toMatch(/^✗ order-1 {2}/);
  });

  it('list more than one page', async () => {
    for (const n of [1, 2, 3, 4, 5]) await submit(`order-${n}`);
    const { out } = await run('list --limit 2 --all -o ids');
    expect(out.toSorted()).toEqual(['order-1', 'order-2', 'order-3', 'order-4', 'order-5']);
    const first = await run('list --limit 2 -o ids');
    const cursor = /--cursor (\S+)/.exec(first.err.join(''))?.[1];
    const second = await run(`list --limit 2 --cursor ${cursor} -o ids`);
    expect(new Set([...first.out, ...second.out]).size).toBe(4);
  });

  it('name the options and arguments in the errors of the coordinator', async () => {
    const long = 'x'.repeat(1025);
    expect((await run(`topics add paid http://mail/paid --remark ${long}`)).err).toEqual([
      'holdfast: --remark: must have at most 1024 characters, not 1025',
    ]);
    expect((await run('topics add paid ftp://mail/paid')).err[0]).toMatch(/^holdfast: <url>: /);
    await submit('order-1');
    expect((await run(`abort order-1 --reason ${long}`)).out[0]).toMatch(/^✗ order-1 {2}--reason: must have at most/);
  });

  it('change topics', async () => {
    expect((await run('topics add paid http://mail/paid --remark mail')).exitCode).toBe(0);
    expect((await run('topics show paid')).out).toEqual(['URL               REMARK', 'http://mail/paid  mail']);
    expect(await run('topics add paid http://mail/paid')).toMatchObject({ exitCode: 1, out: [] });
    expect((await run('topics remove paid http://mail/paid')).exitCode).toBe(0);
    expect((await run('topics delete paid')).exitCode).toBe(0);
    expect((await run('topics delete paid')).exitCode).toBe(1);
  });
});

describe('holdfast watch', () => {
  it('prints the timeline and then each new entry, and ends with the transaction', async () => {
    branchStatus = 500;
    await submit('followed');
    await shows('followed', /moody/);
    const watching = run('watch followed');
    branchStatus = 200;
    await vi.waitUntil(() => coordinator.coordinator.load().waiters === 1, { timeout: 20_000, interval: 5 });
    expect((await run('retry followed')).exitCode).toBe(0);
    const { out: lines, exitCode } = await watching;
    const out = lines.join('\n');
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^saga followed {2}submitted\n.*● submitted\n.*↻ 02 action[^]*✓ 02 action[^]*● succeed$/s);
    // Each entry once.
    expect(out.match(/✓ 01 action/g)).toHaveLength(1);
  });

  it('exits with code 1 for one that has failed, and prints one JSON document per state', async () => {
    branchStatus = 409;
    await submit('refused');
    const { out, exitCode } = await run('watch refused -o json');
    expect(exitCode).toBe(1);
    const states = out.map((line) => JSON.parse(line) as { readonly gid: string; readonly status: string });
    expect(states.at(-1)).toMatchObject({ gid: 'refused', status: 'failed' });
    expect(await run('watch refused -o ids')).toMatchObject({ out: ['refused'], exitCode: 1 });
  });

  it('reports an unknown gid in one line', async () => {
    const { err, exitCode } = await run('watch none');
    expect([exitCode, err]).toEqual([1, [expect.stringMatching(/^holdfast: no transaction none at [^\n]*$/)]]);
  });
});
