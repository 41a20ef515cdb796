import { MemoryStore } from '@holdfast/core/memory-store';
import { branchResult } from '@holdfast/protocol';
import { describe, expect, it } from 'vitest';
import { callsOf, context, Gate, never, Stage } from './support/stage.ts';
import { saga, tcc, tccBranch } from './support/transactions.ts';

type Call = (...args: unknown[]) => unknown;

/** A store of which a backup can be made, and which can be restored from it later. */
class Backups {
  #current: MemoryStore | undefined;
  #backup: MemoryStore | undefined;
  #isBehind = false;

  readonly create = (wallMs: () => number): MemoryStore => {
    this.#current = new MemoryStore(wallMs);
    this.#backup = new MemoryStore(wallMs);
    return new Proxy(this.#current, {
      get: (_, name) => {
        const member: unknown = Reflect.get(this.#current as object, name);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => {
          const result = (member as Call).apply(this.#current, args);
          // The memory store does all its work before it returns: the copy does the same.
          if (!this.#isBehind) (Reflect.get(this.#backup as object, name) as Call).apply(this.#backup, args);
          return result;
        };
      },
    });
  };

  /** From now on the backup stays as it is. */
  backUp(): void {
    this.#isBehind = true;
  }

  restore(): void {
    this.#current = this.#backup;
  }
}

function setUp() {
  const backups = new Backups();
  return { backups, stage: new Stage(backups.create) };
}

const reported = (stage: Stage) =>
  stage.log
    .filter(({ message }) => message === 'the store has lost acknowledged writes of this transaction')
    .map(({ fields }) => `${String(fields['gid'])}: ${String(fields['outcome'])}`);

describe('a store that was restored from an older backup', () => {
  it('receives the lost transaction again, which continues from the acknowledged state (LW1, LW4)', async () => {
    const { backups, stage } = setUp();
    const a = await stage.started('A');
    await stage.pass(6_000);
    backups.backUp();
    stage.respond = ({ branchId }) => (branchId === '02' ? never() : undefined);
    await a.engine.submit(context, saga('s', 2));
    await stage.pass(3_000);
    backups.restore();
    expect(await stage.record('s')).toBeUndefined();
    stage.respond = () => undefined;
    await stage.pass(30_000);
    expect((await stage.record('s'))?.status).toBe('succeed');
    expect(callsOf(a).filter((call) => call === '01 action')).toHaveLength(1);
    expect(reported(stage)).toEqual(['s: restored']);
    expect(a.engine.load().inProgress).toBe(0);
  });

  it('receives the lost decision again: a transaction that is being rolled back is not driven forward again', async () => {
    const { backups, stage } = setUp();
    const a = await stage.started('A');
    const gate = new Gate();
    stage.results.set('02 action', async () => {
      await gate.passed();
      return branchResult('FAILURE', 'refused');
    });
    await a.engine.submit(context, saga('s', 2));
    await stage.pass(2_000);
    backups.backUp();
    stage.results.set('01 compensate', never);
    gate.open();
    await stage.pass(3_000);
    expect((await stage.record('s'))?.status).toBe('aborting');
    backups.restore();
    expect((await stage.record('s'))?.status).toBe('submitted');
    stage.results.delete('01 compensate');
    await stage.pass(30_000);
    expect((await stage.record('s'))?.status).toBe('failed');
    expect(callsOf(a).filter((call) => call.endsWith('action'))).toHaveLength(2);
    expect(reported(stage)).toEqual(['s: restored']);
  });

  it('receives the registered branches again', async () => {
    const { backups, stage } = setUp();
    const a = await stage.started('A');
    await stage.pass(6_000);
    backups.backUp();
    stage.results.set('01 confirm', never);
    await a.engine.prepare(context, tcc);
    await a.engine.registerBranch(context, { gid: 't', branches: tccBranch });
    await a.engine.submit(context, tcc);
    await stage.pass(1_000);
    backups.restore();
    stage.results.delete('01 confirm');
    await stage.pass(30_000);
    expect(await stage.record('t')).toMatchObject({ status: 'succeed' });
    expect((await stage.record('t'))?.entries).toHaveLength(2);
    expect(reported(stage)).toEqual(['t: restored']);
  });

  it('is reported once, even by a node that has no transaction in memory', async () => {
    const { backups, stage } = setUp();
    await stage.started('A');
    backups.backUp();
    await stage.pass(12_000);
    backups.restore();
    await stage.pass(60_000);
    const found = stage.log.filter(({ message }) => message.startsWith('the store has lost acknowledged writes:'));
    expect(found).toHaveLength(1);
  });
});
