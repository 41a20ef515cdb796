import { MemoryStore } from '@holdfast/core/memory-store';
import { CheckedStore, StoreError } from '@holdfast/core/store';
import { describe, expect, it, vi } from 'vitest';
import { createLog, type LogOptions } from '@holdfast/server';
import { crossSiteFault } from '../src/http/cross-site.ts';
import { HistogramChild } from '../src/metrics/families.ts';
import { always, Participants } from '@holdfast/testing/participants';
import { TestServer } from './support/running-server.ts';

describe('metrics', () => {
  it('count the work of the coordinator, and show the contents of its store', async () => {
    await using shop = await Participants.start();
    await using server = await TestServer.start();
    shop.respond('/sold-out action', always(409));
    for (const [gid, path] of [
      ['a', '/ok'],
      ['b', '/sold-out'],
    ] as const) {
      const steps = [{ action: shop.url(path), compensate: shop.url(path) }];
      await server.dtm('submit', { gid, trans_type: 'saga', steps, payloads: [''], wait_result: true });
    }
    await server.dtm('prepare', { gid: 'c', trans_type: 'tcc' });
    await server.get('/nowhere');
    const { text, headers } = await server.get('/api/metrics');
    expect(headers.get('content-type')).toContain('text/plain');
    const value = (line: string): number =>
      Number(new RegExp(`^${line.replaceAll(/[{}"+]/g, '\\$&')} (.*)$`, 'm').exec(text)?.[1]);
    expect(value('holdfast_transactions_accepted_total{pattern="saga"}')).toBe(2);
    expect(value('holdfast_transactions_finished_total{pattern="saga",status="succeed"}')).toBe(1);
    expect(value('holdfast_transactions_finished_total{pattern="saga",status="failed"}')).toBe(1);
    expect(value('holdfast_branch_results_total{pattern="saga",result="FAILURE"}')).toBe(1);
    expect(value('holdfast_branch_results_total{pattern="saga",result="SUCCESS"}')).toBe(2);
    expect(value('holdfast_branch_call_seconds_count{pattern="saga"}')).toBe(3);
    expect(value('holdfast_branch_call_seconds_bucket{pattern="saga",le="+Inf"}')).toBe(3);
    expect(value('holdfast_store_write_seconds_count')).toBeGreaterThan(3);
    expect(value('holdfast_store_batch_items_sum')).toBeGreaterThan(3);
    expect(value('holdfast_http_requests_total{route="/api/dtmsvr/submit",status="200"}')).toBe(1);
    expect(value('holdfast_http_requests_total{route="/api/dtmsvr/submit",status="409"}')).toBe(1);
    expect(value('holdfast_stored_transactions{status="prepared"}')).toBe(1);
    expect(value('holdfast_store_up')).toBe(1);
    expect(value('holdfast_lease_held')).toBe(1);
    expect(value('process_resident_memory_bytes')).toBeGreaterThan(0);
    expect(text).not.toContain('nowhere');
    const again = (await server.get('/api/metrics')).text;
    expect(again).toContain('holdfast_transactions_accepted_total{pattern="saga"} 2');
  });

  it('omit the values read from the store while the store is away', async () => {
    const store = new MemoryStore(Date.now);
    await using server = await TestServer.start({}, { store: new CheckedStore(store) });
    const count = store.count.bind(store);
    const readStored = async (): Promise<readonly string[]> =>
      (await server.get('/api/metrics')).text.split('\n').filter((line) => line.startsWith('holdfast_stored_'));
    const before = await readStored();
    expect(before).toContain('holdfast_stored_transactions_attention 0');
    expect(before).toHaveLength(6);
    store.count = () => Promise.reject(new StoreError('unavailable', 'away'));
    expect(await readStored()).toEqual([]);
    expect((await server.get('/api/metrics')).text).toContain('holdfast_store_up 0\n');
    store.count = count;
    expect(await readStored()).toEqual(before);
  });

  it('count a value in the first bucket that includes it', () => {
    const histogram = new HistogramChild([1, 2, 5]);
    for (const value of [0.5, 1, 1.5, 5, 6]) histogram.observe(value);
    expect([histogram.counts, histogram.sum]).toEqual([[2, 1, 1, 1], 14]);
  });
});

describe('a transaction that needs operator attention', () => {
  it('is reported to the alert webhook', async () => {
    await using shop = await Participants.start();
    await using server = await TestServer.start({
      alertAfterRetries: 2,
      retryInterval: 5,
      alertWebhook: shop.url('/alert'),
    });
    shop.respond('/broken', always(500, 'the disk is full'));
    const steps = [{ action: shop.url('/broken'), compensate: '' }];
    await server.dtm('submit', { gid: 'g1', trans_type: 'saga', steps, payloads: [''] });
    await vi.waitUntil(() => shop.seen.some(({ url }) => url.pathname === '/alert'), { timeout: 10_000, interval: 5 });
    const alert = shop.seen.find(({ url }) => url.pathname === '/alert');
    expect(JSON.parse(alert?.body ?? '')).toEqual({
      gid: 'g1',
      status: 'submitted',
      branch: '01 action',
      error: 'HTTP 500: the disk is full',
      retry_count: 2,
    });
  });
});

describe('a log', () => {
  const logTo = (lines: string[], options: Partial<LogOptions>) =>
    createLog({
      level: 'info',
      format: 'auto',
      output: { write: (line) => lines.push(line) },
      colour: false,
      ...options,
    });

  it('is JSON unless the output is a terminal', () => {
    const lines: string[] = [];
    logTo(lines, {}).warn({ gid: 'g1', branch: '01 action' }, 'retried');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 40, gid: 'g1', branch: '01 action', msg: 'retried' });
    expect(lines[0]).toMatch(/\n$/);
  });

  it('is a readable line on a terminal, optionally in colour, without control characters of others', () => {
    const lines: string[] = [];
    const output = { isTTY: true, write: (line: string) => lines.push(line) };
    logTo(lines, { output }).info({ gid: 'g\u001b[2J1', count: 3 }, 'two\nlines');
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} info {2}two lines gid=g \[2J1 count=3\n$/);
    logTo(lines, { output, colour: true }).error({}, 'oh');
    expect(lines[1]).toContain('\u001b[31merror');
  });

  it('shows the stack of an internal error', () => {
    const lines: string[] = [];
    logTo(lines, { format: 'pretty' }).error({ err: new TypeError('nothing there') }, 'a request failed');
    expect(lines[0]).toContain('a request failed\n    TypeError: nothing there');
    expect(lines[0]).toContain('watching.test.ts');
  });

  it('omits lines below its level', () => {
    const lines: string[] = [];
    const log = logTo(lines, { level: 'warn' });
    log.debug({}, 'a');
    log.info({}, 'b');
    expect([lines, log.debugs]).toEqual([[], false]);
    expect(logTo(lines, { level: 'debug' }).debugs).toBe(true);
  });
});

describe('the log of a server', () => {
  it('contains no payload and no header value', async () => {
    const lines: string[] = [];
    const log = createLog({
      level: 'debug',
      format: 'json',
      output: { write: (line) => lines.push(line) },
      colour: false,
    });
    await using shop = await Participants.start();
    await using server = await TestServer.start({}, { log });
    shop.respond('/b action', always(409, 'no'));
    const steps = ['/a', '/b'].map((path) => ({ action: shop.url(path), compensate: shop.url(path) }));
    const saga = {
      gid: 'g1',
      trans_type: 'saga',
      steps,
      payloads: ['"s3cret"', '"s3cret"'],
      branch_headers: { 'x-token': 's3cret' },
    };
    await server.dtm('submit', { ...saga, wait_result: true });
    await server.dtm('submit', { ...saga, gid: 7 });
    expect(lines.join('')).toContain('/api/dtmsvr/submit');
    expect(lines.join('')).not.toContain('s3cret');
  });
});

describe('a request of a browser', () => {
  it('is rejected when the page of another site made it, even if it is a plain GET', () => {
    expect(crossSiteFault({ 'sec-fetch-site': 'cross-site' })).toBeDefined();
    expect(crossSiteFault({ origin: 'http://a:1', host: 'a:2' })).toBeDefined();
    expect(crossSiteFault({ origin: 'null', host: 'a:1' })).toBeDefined();
    expect(crossSiteFault({ 'sec-fetch-site': 'same-origin', origin: 'http://a:1', host: 'a:1' })).toBeUndefined();
    expect(crossSiteFault({ 'sec-fetch-site': 'none' })).toBeUndefined();
    expect(crossSiteFault({})).toBeUndefined();
  });
});
