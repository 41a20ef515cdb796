import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { close, freePorts, listen, type Ports, ShopProcess } from './support/shop-process.ts';

let folder: string;
let ports: Ports;
const started: ShopProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-demo-'));
  ports = await freePorts();
});

afterEach(async () => {
  await Promise.all(started.splice(0).map((shop) => shop.end('SIGKILL')));
  await rm(folder, { recursive: true, force: true });
});

function start(): ShopProcess {
  const shop = new ShopProcess(folder, ports);
  started.push(shop);
  return shop;
}

const READY = 'Ctrl-C closes the shop.';
const WHOLE = '✓ Nothing is half-done';
const LONGEST_STORY_MS = 15_000;

async function getJson(url: string): Promise<Record<string, unknown>> {
  return (await (await fetch(url)).json()) as Record<string, unknown>;
}

async function order(shop: ShopProcess, query: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`${shop.counterUrl}/orders?${query}`, { method: 'POST' });
  return { status: response.status, text: await response.text() };
}

/** The gid of the only unfinished transaction. */
async function unfinished(shop: ShopProcess): Promise<string | undefined> {
  const page = await getJson(`${shop.coordinatorUrl}/api/v1/transactions?status=submitted`);
  return (page['items'] as { gid: string }[])[0]?.gid;
}

describe('the demo', () => {
  it('shows a commit, a rollback and retries within 15 s, accepts orders, and closes cleanly on Ctrl-C', async () => {
    const startedAtMs = performance.now();
    const shop = start();
    await shop.printed(READY);
    expect(performance.now() - startedAtMs).toBeLessThan(LONGEST_STORY_MS);

    expect(shop.text).toMatch(/Order 1(?:.|\n)* {2}succeed\n(?:.|\n)*05 action +delivery: book +done/);
    expect(shop.text).toContain("rolled back; reason: Ben's wallet holds 5.00");
    expect(shop.text).toMatch(/↩ 03 compensate +coupon: give back +done/);
    expect(shop.text).toMatch(/↻ 05 action +delivery: book +connect ECONNREFUSED .*; again in/);
    expect(shop.text).toMatch(/✓ 05 action +delivery: book +done in \d+ ms, attempt [3-9]/);
    expect(shop.text).toContain(WHOLE);
    expect(Math.max(...shop.text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);

    const response = await order(shop, 'customer=Dora&bottles=6');
    expect(response.status).toBe(200);
    expect(response.text).toMatch(/^saga \S+ {2}succeed\n/);
    await expect(getJson(shop.counterUrl)).resolves.toMatchObject({ 'orders placed': '3', 'deliveries booked': '3' });

    expect(await shop.end('SIGINT')).toBe(0);
    expect(shop.text).toContain('Closing');
    await Promise.all([close(await listen(ports.coordinator)), close(await listen(ports.shop))]);
  });

  it('rejects invalid orders with a hint at valid values', async () => {
    const shop = start();
    await shop.printed(READY);
    expect(await order(shop, 'customer=Eve')).toMatchObject({
      status: 400,
      text: expect.stringContaining('Dora') as string,
    });
    expect(await order(shop, 'bottles=1000')).toMatchObject({ status: 400 });
    expect(await order(shop, 'courier=tomorrow')).toMatchObject({ status: 400 });
  });

  it('finishes an order after kill -9, reports it, and continues on the same data', async () => {
    const first = start();
    await first.printed(READY);
    const taken = await order(first, 'customer=Dora&bottles=6&courier=3');
    expect(taken.status).toBe(202);
    const gid = await unfinished(first);
    expect(taken.text).toContain(gid ?? 'no order is in progress');
    expect(await first.end('SIGKILL')).toBeNull();

    const second = start();
    await second.printed(READY);
    expect(second.text).toContain('An order was in progress when the shop was killed');
    expect(second.text).toContain(`✓ ${gid} was finished after the restart: succeed.`);
    expect(second.text).toContain(WHOLE);
    await expect(getJson(second.counterUrl)).resolves.toMatchObject({
      'orders placed': '5',
      'orders cancelled': '2',
      'deliveries booked': '5',
    });
  });

  it('finishes an order that was being retried when the demo was killed', async () => {
    const first = start();
    await first.printed('Order 3');
    await expect.poll(() => unfinished(first), { timeout: 20_000 }).toBeDefined();
    const gid = await unfinished(first);
    await first.end('SIGKILL');

    const second = start();
    await second.printed(READY);
    expect(second.text).toContain(`✓ ${gid} was finished after the restart: succeed.`);
    expect(second.text).toContain(WHOLE);
    await expect(getJson(second.counterUrl)).resolves.toMatchObject({ 'orders placed': '4', 'deliveries booked': '4' });
  });

  it('leaves an order in progress on Ctrl-C, and resumes it at the next start', async () => {
    const first = start();
    await first.printed(READY);
    await order(first, 'courier=2');
    expect(await first.end('SIGINT')).toBe(0);

    const second = start();
    await second.printed(READY);
    expect(second.text).toContain('An order was in progress when the shop was closed');
    expect(second.text).toMatch(/was finished after the restart: succeed/);
  });

  it.each(['coordinator', 'shop'] as const)(
    'reports which port is in use, and how to choose another: %s',
    async (which) => {
      const taken = await listen(ports[which]);
      const shop = start();
      expect(await shop.ended()).toBe(1);
      expect(shop.text).toContain(`Port ${ports[which]} is in use`);
      expect(shop.text).toContain('HOLDFAST_HTTP_PORT=');
      await close(taken);
    },
  );
});
