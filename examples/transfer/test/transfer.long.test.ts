import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startMariadb, startPostgres } from '@holdfast/testing/servers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { BankA } from '../src/banks/bank-a.ts';
import { BankB } from '../src/banks/bank-b.ts';
import { PATTERN_NAMES } from '../src/patterns/index.ts';
import { CannotRun } from '../src/program/cannot-run.ts';
import { Closer } from '../src/program/closer.ts';
import { openDatabases, type Pools } from '../src/program/databases.ts';
import { openCoordinator } from '../src/program/program.ts';
import { runTransfer } from '../src/program/run.ts';
import { verdictOf } from '../src/program/verdict.ts';
import { FAILURES } from '../src/stage/failure.ts';
import { runMain, tableRows } from './support/program.ts';

/**
 * Patterns in which a failed call is retried, by the coordinator or in a callback, so that the
 * transfer succeeds.
 */
const PERSISTENT: readonly string[] = ['saga', 'message', 'workflow'];
/** Failures that a retry can overcome. */
const PASSING: readonly string[] = ['lost-response', 'down', 'late'];

const expected = (pattern: string, failure: string) =>
  failure === 'none' || (PASSING.includes(failure) && PERSISTENT.includes(pattern)) ? 'committed' : 'rolled back';

/** These tests do not crash the databases. */
const UNSYNCED = { postgres: ['fsync=off'], mariadb: ['--innodb-flush-log-at-trx-commit=0', '--sync-binlog=0'] };

describeWith(['postgres', 'mariadbd'], 'one transfer over PostgreSQL and MariaDB', () => {
  const closer = new Closer();
  let pools: Pools;
  let coordinatorUrl: string;
  let urls: { readonly postgres: string; readonly mariadb: string };

  beforeAll(async () => {
    const [postgres, mariadb] = await Promise.all([startPostgres(UNSYNCED.postgres), startMariadb(UNSYNCED.mariadb)]);
    closer.add(async () => postgres?.stop());
    closer.add(async () => mariadb?.stop());
    urls = { postgres: postgres?.url ?? '', mariadb: mariadb?.url ?? '' };
    pools = await openDatabases(urls, true, closer);
    coordinatorUrl = await openCoordinator(closer);
  });
  afterAll(() => closer.close());

  const run = (pattern: (typeof PATTERN_NAMES)[number], failure: (typeof FAILURES)[number], more = {}) =>
    runTransfer(pattern, failure, { coordinatorUrl, pools, amount: 30_00, withoutBarrier: false, ...more });

  describe.each(PATTERN_NAMES)('%s', (pattern) => {
    it.each(FAILURES)('takes effect at both banks or at neither, and leaves nothing behind: %s', async (failure) => {
      const facts = await run(pattern, failure);
      expect(verdictOf(facts)).toEqual({ outcome: expected(pattern, failure), complaints: [] });
      expect(facts.after).toMatchObject({ held: 0, announced: 0 });
      expect(facts.prepared).toEqual([]);
      // Checks that the failure did happen.
      const calls = facts.details.timeline.filter((line) => line.kind === 'call');
      if (PASSING.includes(failure)) expect(calls.map(({ result }) => result)).toContain('UNKNOWN');
      if (failure === 'rejected') expect(facts.details.rollbackReason).toContain("Ben's account is closed");
      expect(facts.lateCalls.length > 0).toBe(failure === 'late');
    });
  });

  it('is rejected by bank A when Ana has too little money', async () => {
    for (const pattern of PATTERN_NAMES) {
      const facts = await run(pattern, 'none', { amount: 100_01 });
      expect(verdictOf(facts)).toEqual({ outcome: 'rolled back', complaints: [] });
      expect(facts.details.rollbackReason).toContain('Ana has too little money');
    }
  });

  it('is reported as half done when bank B has no barrier and a response is lost', async () => {
    const facts = await run('saga', 'lost-response', { withoutBarrier: true });
    expect(facts.after).toMatchObject({ ana: 70_00, ben: 160_00 });
    expect(verdictOf(facts)).toMatchObject({ outcome: 'HALF DONE' });
  });

  it('detects transactions left prepared in either database', async () => {
    const [bankA, bankB] = [
      new BankA(pools.postgres, coordinatorUrl),
      new BankB(pools.mariadb, coordinatorUrl, { withoutBarrier: false }),
    ];
    const [postgres, mariadb] = [await pools.postgres.connect(), await pools.mariadb.getConnection()];
    await postgres.query("begin; update transfer_account set balance = 0; prepare transaction 'left-01'");
    for (const text of ['start', 'end', 'prepare']) await mariadb.query(`xa ${text} 'left-02'`);
    expect([await bankA.prepared('left-'), await bankB.prepared('left-')]).toEqual([['left-01'], ['left-02']]);
    expect([await bankA.prepared('other-'), await bankB.prepared('other-')]).toEqual([[], []]);
    await postgres.query("rollback prepared 'left-01'");
    await mariadb.query("xa rollback 'left-02'");
    postgres.release();
    mariadb.release();
  });

  it('does not start when a database cannot be reached, and does not print its password', async () => {
    const none = new Closer();
    const opening = openDatabases({ ...urls, postgres: 'postgres://me:secret@127.0.0.1:1/x' }, true, none);
    const error = await opening.catch((thrown: unknown) => thrown);
    await none.close();
    expect(error).toBeInstanceOf(CannotRun);
    expect(String(error)).toContain('PostgreSQL cannot be used: connect ECONNREFUSED 127.0.0.1:1');
    expect(String(error)).not.toContain('secret');
  });

  describe('as a program', () => {
    const databases = () => ['--postgres', urls.postgres, '--mariadb', urls.mariadb];

    it('prints each transfer and a table, and exits with code 0', async () => {
      const { code, output } = await runMain([
        'message',
        'tcc',
        '--fail',
        'rejected',
        '--amount',
        '12.50',
        ...databases(),
      ]);
      expect(output).toContain("tcc, rejected: Ben's account is closed, so bank B rejects the transfer");
      expect(output).toMatch(/✗ 02 try +bank B: announce +refused: Ben's account is closed/);
      expect(output).toMatch(/↩ 01 cancel +bank A: release/);
      expect(tableRows(output)).toEqual([
        'tcc rejected ✓ rolled back 100.00 → 100.00 100.00 → 100.00 200.00 nothing',
        'message rejected ✓ rolled back 100.00 → 100.00 100.00 → 100.00 200.00 nothing',
      ]);
      expect(code).toBe(0);
    });

    it('exits with code 1 and reports which transfer is half done', async () => {
      const args = ['saga', 'xa', '--fail', 'lost-response', '--without-barrier', ...databases()];
      const { code, output } = await runMain(args);
      expect(tableRows(output)).toEqual([
        'saga lost-response ✗ HALF DONE 100.00 → 70.00 100.00 → 160.00 200.00 → 230.00 nothing',
        'xa lost-response ✓ rolled back 100.00 → 100.00 100.00 → 100.00 200.00 nothing',
      ]);
      expect(output).toContain(
        '✗ saga, lost-response: the banks do not agree on what happened; money was made or lost',
      );
      expect(code).toBe(1);
    });

    it('exits with code 2 and reports what to install, or which option to use', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'holdfast-transfer-'));
      const { code, output } = await runMain(['saga', '--postgres', urls.postgres], { PATH: folder });
      await rm(folder, { recursive: true });
      expect(output).toContain('MariaDB is not installed here.');
      expect(output).toContain('--mariadb mysql://USER:PASSWORD@HOST:3306/DATABASE');
      expect(code).toBe(2);
    });
  });
});
