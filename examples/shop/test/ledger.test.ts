import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Ledger } from '../src/durable/ledger.ts';
import { OrderBook } from '../src/durable/order-book.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-shop-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const path = () => join(folder, 'stock.journal');
const open = () => Ledger.open<number, number>(path(), 10, (bottles, change) => bottles + change);
const action = { gid: 'g', branchId: '02', op: 'action' };
const compensate = { ...action, op: 'compensate' };
const take = () => -6;
const putBack = () => 6;

describe('a ledger', () => {
  it('makes a change once, even if the call is repeated', async () => {
    const ledger = await open();
    await Promise.all([ledger.settle(action, take), ledger.settle(action, take)]);
    await ledger.settle(action, take);
    expect(ledger.state).toBe(4);
    await ledger.settle({ ...action, gid: 'h' }, () => -1);
    await ledger.settle({ ...action, branchId: '03' }, () => -1);
    expect(ledger.state).toBe(2);
    await ledger.close();
  });

  it('undoes a change once', async () => {
    const ledger = await open();
    await ledger.settle(action, take);
    await ledger.settle(compensate, putBack);
    await ledger.settle(compensate, putBack);
    expect(ledger.state).toBe(10);
    await ledger.close();
  });

  it('ignores an empty compensation, and the dangling action after it', async () => {
    const ledger = await open();
    await ledger.settle(compensate, putBack);
    await ledger.settle(action, take);
    expect(ledger.state).toBe(10);
    await ledger.close();
  });

  it('has nothing to undo for a rejected call', async () => {
    const ledger = await open();
    const reject = () => {
      throw new Error('sold out');
    };
    await expect(ledger.settle(action, reject)).rejects.toThrow('sold out');
    await ledger.settle(compensate, putBack);
    expect(ledger.state).toBe(10);
    await ledger.close();
  });

  it('remembers its changes and their calls after a restart', async () => {
    const before = await open();
    await before.settle(action, take);
    await before.settle({ ...compensate, gid: 'h' }, putBack);
    await before.record((bottles) => 20 - bottles);
    await before.close();
    const after = await open();
    expect(after.state).toBe(20);
    await after.settle(action, take);
    await after.settle({ ...action, gid: 'h' }, take);
    expect(after.state).toBe(20);
    await after.close();
  });

  it('drops a line that a crash cut short, and appends after the last complete one', async () => {
    const before = await open();
    await before.settle(action, take);
    await before.close();
    await appendFile(path(), '{"settles":["h 02 action"],"eff');
    const after = await open();
    expect(after.state).toBe(4);
    await after.settle({ ...action, gid: 'h' }, () => -1);
    await after.close();
    const again = await open();
    expect(again.state).toBe(3);
    await again.close();
    expect((await readFile(path(), 'utf8')).split('\n')).toHaveLength(3);
  });
});

describe('the counter’s book', () => {
  const openBook = () => OrderBook.open(join(folder, 'counter.journal'));

  it('contains the orders whose outcome was not reported, and whether the shop was killed', async () => {
    const first = await openBook();
    expect(first.leftOver).toEqual({ gids: [], killed: false });
    await Promise.all([first.take('a'), first.take('b'), first.reported('a')]);
    const afterKill = await openBook();
    expect(afterKill.leftOver).toEqual({ gids: ['b'], killed: true });
    await afterKill.reported('b');
    await afterKill.take('c');
    await afterKill.close();
    const afterClose = await openBook();
    expect(afterClose.leftOver).toEqual({ gids: ['c'], killed: false });
    await afterClose.close();
  });
});
