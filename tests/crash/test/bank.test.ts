import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Bank } from '../src/bank.ts';
import { readLines, type JournalLine } from '../src/journal.ts';
import { temporaryFolder } from './temporary-folder.ts';

const change = { account: 'account-1', amount: 5 };

/** What each local transaction did: `op` if it took effect, otherwise why it was left out. */
function history(path: string): readonly string[] {
  return readLines<JournalLine>(path).flatMap(({ line }) =>
    line.kind === 'commit' ? [line.effect === null ? `${line.op} ${line.skipped}` : line.op] : [],
  );
}

function openBank(path: string, script: (bank: Bank) => void): void {
  const bank = new Bank(path);
  script(bank);
  bank.close();
}

describe("the participants' barrier", () => {
  it('lets an op take effect once', () => {
    const path = join(temporaryFolder(), 'journal');
    openBank(path, (bank) => {
      bank.apply({ gid: 'x', branchId: '01', op: 'action' }, change);
      bank.apply({ gid: 'x', branchId: '01', op: 'action' }, change);
    });
    expect(history(path)).toEqual(['action', 'action repeated']);
  });

  it.each([
    ['action', 'compensate'],
    ['try', 'cancel'],
  ])('skips the undoing of a %s that never ran, and the %s that comes too late', (forward, undo) => {
    const path = join(temporaryFolder(), 'journal');
    openBank(path, (bank) => {
      bank.apply({ gid: 'x', branchId: '01', op: undo }, change);
      bank.apply({ gid: 'x', branchId: '01', op: forward }, change);
      bank.apply({ gid: 'x', branchId: '01', op: undo }, change);
    });
    expect(history(path)).toEqual([`${undo} empty`, `${forward} repeated`, `${undo} repeated`]);
  });

  it('undoes an effect once', () => {
    const path = join(temporaryFolder(), 'journal');
    openBank(path, (bank) => {
      bank.apply({ gid: 'x', branchId: '01', op: 'action' }, change);
      bank.apply({ gid: 'x', branchId: '01', op: 'compensate' }, change);
      bank.apply({ gid: 'x', branchId: '01', op: 'compensate' }, change);
    });
    expect(history(path)).toEqual(['action', 'compensate', 'compensate repeated']);
  });

  it('distinguishes gids that are prefixes of one another', () => {
    const path = join(temporaryFolder(), 'journal');
    openBank(path, (bank) => {
      bank.apply({ gid: 'x-4', branchId: '801', op: 'action' }, change);
      bank.apply({ gid: 'x-48', branchId: '01', op: 'action' }, change);
    });
    expect(history(path)).toEqual(['action', 'action']);
  });

  it('decides a check-back by whether the sender committed first', () => {
    const path = join(temporaryFolder(), 'journal');
    const call = (gid: string) => ({ gid, branchId: '00', op: 'msg' });
    openBank(path, (bank) => {
      expect(bank.commitLocal(call('committed'), change)).toBe(true);
      expect(bank.commitLocal(call('committed'), change)).toBe(false);
      expect(bank.checkLocal(call('committed'))).toBe(true);
      expect(bank.checkLocal(call('silent'))).toBe(false);
      expect(bank.checkLocal(call('silent'))).toBe(false);
      expect(bank.commitLocal(call('silent'), change)).toBe(false);
    });
    expect(history(path)).toEqual(['msg', 'msg empty']);
  });

  it('after a restart has the content of the journal, without a partly written line', () => {
    const path = join(temporaryFolder(), 'journal');
    openBank(path, (bank) => {
      expect(bank.called({ gid: 'x', branchId: '01', op: 'action' }, '', { from: '127.0.0.1', protocol: 'http' })).toBe(
        1,
      );
      bank.apply({ gid: 'x', branchId: '01', op: 'action' }, change);
    });
    openBank(path, (bank) => {
      expect(bank.called({ gid: 'x', branchId: '01', op: 'action' }, '', { from: '127.0.0.1', protocol: 'http' })).toBe(
        2,
      );
      bank.apply({ gid: 'x', branchId: '01', op: 'action' }, change);
    });
    appendFileSync(path, '{"kind":"commit"');
    expect(history(path)).toEqual(['action', 'action repeated']);
  });
});
