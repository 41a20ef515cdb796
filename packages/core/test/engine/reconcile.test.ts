import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeDefinition } from '../../src/codec/definition-codec.ts';
import { encodeAbortCommand, encodeRegistration, encodeRetryCommand } from '../../src/codec/entry-codec.ts';
import { encodeState } from '../../src/codec/state-codec.ts';
import type { WriteResult } from '../../src/engine/committer.ts';
import { afterWrite, MAX_CONFLICTS, onClaim, reconcile } from '../../src/engine/reconcile.ts';
import type { Delivery } from '../../src/engine/delivery.ts';
import type { Memory, Ownership } from '../../src/engine/memory.ts';
import { newTransaction } from '../../src/patterns/index.ts';
import { type Entry, StoreError, type StoredTransaction } from '../../src/store/index.ts';
import { CREATED_AT_MS, KEY, saga } from '../patterns/support/definitions.ts';

const definition = saga(2);
const fresh = newTransaction(KEY, definition, CREATED_AT_MS);
const submitted = { ...fresh, state: { ...fresh.state, status: 'submitted' as const } };

const stored = (changes: Partial<StoredTransaction> = {}): StoredTransaction => ({
  key: KEY,
  pattern: 'saga',
  group: '',
  status: 'submitted',
  version: 4,
  writeId: 'w',
  owner: 'A',
  claims: 1,
  dueAtMs: null,
  attention: false,
  createdAtMs: CREATED_AT_MS,
  updatedAtMs: CREATED_AT_MS,
  finishedAtMs: null,
  definition: encodeDefinition(definition),
  state: encodeState(submitted.state),
  entries: [],
  ...changes,
});

const self = { session: 'A', leaseHeld: true, claiming: false };
const requested: Delivery = { event: { kind: 'retry' }, reply: { done() {}, failed() {}, wholePass: false } };
const responded: Delivery = {
  event: { kind: 'responded', branch: 1, result: { kind: 'SUCCESS', reason: '' }, durationMs: 1 },
};

const memory = (changes: Partial<Memory> = {}): Memory => ({
  transaction: undefined,
  version: 0,
  writeId: '',
  ownership: 'none',
  retryCommands: 0,
  suspect: false,
  claimed: undefined,
  conflicts: 0,
  foundStatus: undefined,
  queue: [],
  ...changes,
});
const owning = (changes: Partial<Memory> = {}): Memory =>
  memory({ transaction: submitted, version: 3, writeId: 'w', ownership: 'ours', ...changes });

const eventsOf = (queue: readonly Delivery[]): unknown[] => queue.map(({ event }) => event);
const branch = { branchId: '01', op: 'confirm', url: 'u', payload: new Uint8Array(0), createdAtMs: 1 };
const registered: Entry = encodeRegistration({ ...branch, status: 'prepared' });

describe('reconciling a run with its record', () => {
  it('R1: drops a run whose record is missing, unless the record was claimed: then the read was too early', () => {
    expect(reconcile(memory(), undefined, self)).toEqual({ kind: 'gone' });
    expect(reconcile(memory({ claimed: stored() }), undefined, self)).toMatchObject({
      kind: 'open',
      opened: { ownership: 'ours' },
    });
  });

  it('R10: reads again if the version read is older than the one in memory', () => {
    const old = stored({ version: 2, owner: null, writeId: 'earlier' });
    expect(reconcile(owning(), old, self)).toEqual({ kind: 'stale' });
    expect(reconcile(owning(), stored({ version: 2 }), self)).toEqual({ kind: 'stale' });
    // A run without ownership adopts the record read: if that is stale, its next write fails.
    expect(reconcile(memory({ version: 3 }), old, self)).toMatchObject({ kind: 'open', opened: { version: 2 } });
  });

  it('R10: treats an owned record as missing only when a write finds it missing', () => {
    const run = owning({ queue: [responded] });
    expect(reconcile(run, undefined, self)).toMatchObject({ kind: 'merge', version: 3, queue: [responded] });
    const write = { hold: true, isAwaited: false };
    expect(afterWrite(run, write, { kind: 'missing' })).toMatchObject({ kind: 'drop' });
    expect(afterWrite(memory(), write, { kind: 'missing' })).toMatchObject({ kind: 'again' });
  });

  it('R1: takes the newer of the record that was read and the record that was claimed', () => {
    const decision = reconcile(memory({ claimed: stored({ version: 6 }) }), stored({ owner: null, version: 5 }), self);
    expect(decision).toMatchObject({ kind: 'open', opened: { version: 6, ownership: 'ours' } });
  });

  it('R2: keeps its progress, and takes over the version, the branches and the commands that were appended', () => {
    const entries = [encodeAbortCommand({ reason: 'stock is gone' }), encodeRetryCommand('w')];
    const decision = reconcile(owning({ queue: [responded] }), stored({ entries }), self);
    expect(decision).toMatchObject({ kind: 'merge', version: 4, retryCommands: 1 });
    if (decision.kind !== 'merge') return;
    expect(decision.transaction.state).toBe(submitted.state);
    expect(eventsOf(decision.queue)).toEqual([
      { kind: 'abort', reason: 'stock is gone', byOperator: true },
      { kind: 'retry' },
      responded.event,
    ]);
    expect(reconcile(owning(), stored({ entries: [registered] }), self)).toMatchObject({
      transaction: { registered: [{ branchId: '01' }] },
    });
  });

  it('R2: applies a command that was appended once, and never before what a crashed node left unknown', () => {
    const entries = [encodeRetryCommand('w')];
    expect(reconcile(owning({ retryCommands: 1 }), stored({ entries }), self)).toMatchObject({ queue: [] });
    const resumed: Delivery = { event: { kind: 'resumed', claims: 2 } };
    const decision = reconcile(owning({ queue: [resumed] }), stored({ entries }), self);
    expect(decision.kind === 'merge' && eventsOf(decision.queue)).toEqual([resumed.event, { kind: 'retry' }]);
  });

  it.each([
    ['another owner', { owner: 'B' }],
    ['no owner', { owner: null }],
    ['the write ID of another node', { writeId: 'other' }],
  ])('R3: adopts a record with %s, and keeps only the events of callers', (_, changes) => {
    const decision = reconcile(owning({ queue: [responded, requested] }), stored(changes), self);
    expect(decision).toMatchObject({ kind: 'drop run', reopen: 'writeId' in changes, queue: [requested] });
  });

  it('R4: owns and resumes what a claim returned, also when a branch was registered after the claim', () => {
    const claimed = stored({ version: 4 });
    for (const read of [claimed, stored({ version: 5, entries: [registered] })])
      expect(reconcile(memory({ claimed, queue: [requested] }), read, self)).toMatchObject({
        opened: { ownership: 'ours', queue: [{ event: { kind: 'resumed', claims: 1 } }, requested] },
      });
  });

  it('R4: carries out an abort that no node carried out, unless another node drives the record', () => {
    const entries = [encodeAbortCommand({ reason: 'stock is gone' })];
    const abort = { kind: 'abort', reason: 'stock is gone', byOperator: true };
    expect(reconcile(memory(), stored({ owner: null, claims: 0, entries }), self)).toMatchObject({
      opened: { ownership: 'none', queue: [{ event: abort }] },
    });
    expect(reconcile(memory(), stored({ owner: 'B', entries }), self)).toMatchObject({
      opened: { ownership: 'theirs', queue: [] },
    });
  });

  it('R5: resumes a record that this session owns without driving it as if it had been claimed once more', () => {
    expect(reconcile(memory(), stored(), self)).toMatchObject({
      opened: { ownership: 'orphaned', queue: [{ event: { kind: 'resumed', claims: 2 } }] },
    });
  });

  it('R5: resumes a record without an owner whose node crashed', () => {
    expect(reconcile(memory(), stored({ owner: null, claims: 1 }), self)).toMatchObject({
      opened: { ownership: 'none', queue: [{ event: { kind: 'resumed', claims: 2 } }] },
    });
  });

  it('R6: treats a record that is found owned while a claim is in flight as claimed', () => {
    expect(reconcile(memory(), stored(), { ...self, claiming: true })).toMatchObject({
      opened: { ownership: 'orphaned', queue: [{ event: { kind: 'resumed', claims: 1 } }] },
    });
  });

  it('R7: merges, opens and releases nothing of an owned record whose bodies the store cannot return', () => {
    const bodies = { definition: new Uint8Array(), state: new Uint8Array(), entries: [] };
    const partly = stored({ ...bodies, unreadable: 'a damaged page', withoutBodies: true });
    const waits = { kind: 'without bodies', record: partly };
    expect(reconcile(owning(), partly, self)).toMatchObject(waits);
    expect(reconcile(memory({ claimed: partly }), partly, self)).toMatchObject(waits);
    expect(reconcile(memory({ claimed: partly }), stored(), self)).toMatchObject({ kind: 'open' });
    expect(reconcile(memory(), { ...partly, owner: 'B' }, self)).toMatchObject({ kind: 'unreadable', owned: false });
  });

  it('R7: leaves a record that it cannot read as it is', () => {
    const state = stored().state.subarray(0, 20);
    expect(reconcile(memory(), stored({ state }), self)).toMatchObject({ kind: 'unreadable', owned: true });
    expect(reconcile(memory(), stored({ state, owner: null }), self)).toMatchObject({ owned: false });
    const entries = [{ ...registered, body: registered.body.subarray(0, 3) }];
    expect(reconcile(owning(), stored({ entries }), self)).toMatchObject({ kind: 'unreadable', owned: true });
  });

  const memories: fc.Arbitrary<Memory> = fc.record({
    transaction: fc.constant(submitted),
    version: fc.integer({ min: 1, max: 6 }),
    writeId: fc.constantFrom('w', 'other'),
    ownership: fc.constantFrom<Ownership>('none', 'ours', 'orphaned', 'theirs'),
    retryCommands: fc.nat(2),
    suspect: fc.boolean(),
    claimed: fc.option(fc.constantFrom(stored(), stored({ version: 6 }), stored({ writeId: 'other' })), {
      nil: undefined,
    }),
    conflicts: fc.nat(60),
    queue: fc.array(fc.constantFrom(requested, responded), { maxLength: 4 }),
  });
  const records = fc
    .record({
      version: fc.integer({ min: 1, max: 6 }),
      writeId: fc.constantFrom('w', 'other'),
      owner: fc.constantFrom('A', 'B', null),
      claims: fc.nat(3),
      entries: fc.subarray([registered, encodeRetryCommand('w'), encodeAbortCommand({ reason: 'no stock' })]),
    })
    .map(stored);
  const selves = fc.record({ session: fc.constant('A'), leaseHeld: fc.boolean(), claiming: fc.boolean() });

  it('never loses an event that a caller waits for, and keeps their order', () => {
    fc.assert(
      fc.property(memories, records, selves, (run, record, node) => {
        const decision = reconcile(run, record, node);
        if (decision.kind === 'gone' || decision.kind === 'stale') return;
        if (decision.kind === 'unreadable' || decision.kind === 'without bodies') return;
        const queue = decision.kind === 'open' ? decision.opened.queue : decision.queue;
        const isRequested = ({ reply }: Delivery): boolean => reply !== undefined;
        expect(queue.filter(isRequested)).toEqual(run.queue.filter(isRequested));
      }),
    );
  });

  it('never counts a reopened run as unbroken ownership unless a claim that is known to have followed a release returned it', () => {
    fc.assert(
      fc.property(memories, records, selves, (run, record, node) => {
        const decision = reconcile(run, record, node);
        if (decision.kind !== 'open' || node.claiming) return;
        const { ownership, queue } = decision.opened;
        const first = queue[0]?.event;
        if (ownership === 'orphaned') expect(first?.kind === 'resumed' && first.claims >= 2).toBe(true);
        if (ownership === 'ours') expect(run.claimed?.writeId).toBe(decision.opened.writeId);
      }),
    );
  });

  it('owns only what the store records as owned by this session, and only while its lease holds', () => {
    fc.assert(
      fc.property(memories, records, selves, (run, record, node) => {
        const decision = reconcile(run, record, node);
        const newest = run.claimed !== undefined && run.claimed.version >= record.version ? run.claimed : record;
        if (decision.kind === 'merge') expect(newest.owner).toBe('A');
        if (decision.kind === 'open' && decision.opened.ownership === 'ours')
          expect([newest.owner, node.leaseHeld]).toEqual(['A', true]);
        if (decision.kind === 'drop run' && decision.reopen)
          expect([newest.owner, node.leaseHeld]).toEqual(['A', true]);
      }),
    );
  });
});

describe('a record that a claim returned', () => {
  it('opens a run, is left to a newer run, and is reconciled with any other', () => {
    const run = (changes: Partial<Memory>, phase: 'open' | 'writing') => ({ ...memory(changes), phase });
    expect(onClaim(undefined, stored())).toBe('open');
    expect(onClaim(run({ ownership: 'ours', version: 4 }, 'open'), stored())).toBe('ignore');
    expect(onClaim(run({ ownership: 'ours', version: 3 }, 'open'), stored())).toBe('reconcile');
    expect(onClaim(run({ ownership: 'none', version: 3 }, 'writing'), stored())).toBe('remember');
  });
});

describe('after a write', () => {
  const rejected: WriteResult = { kind: 'failed', error: new StoreError('rejected', 'too large') };
  const conflict: WriteResult = { kind: 'conflict', status: 'submitted', version: 9 };
  const command = { hold: true, isAwaited: true };
  const progress = { hold: true, isAwaited: false };

  it('R8: a conflict is stepped again; after many in a row the caller gets an error and the rounds are paced', () => {
    expect(afterWrite({ ownership: 'ours', conflicts: 0 }, command, conflict)).toEqual({
      kind: 'again',
      paced: false,
      refused: false,
    });
    const tired = { conflicts: MAX_CONFLICTS } as const;
    expect(afterWrite({ ownership: 'ours', ...tired }, command, conflict)).toMatchObject({
      paced: true,
      refused: true,
    });
    expect(afterWrite({ ownership: 'ours', ...tired }, progress, conflict)).toMatchObject({
      paced: true,
      refused: false,
    });
    expect(afterWrite({ ownership: 'none', ...tired }, command, conflict)).toMatchObject({ kind: 'drop' });
  });

  it('R9: a command whose state cannot be stored fails; progress that cannot be stored parks the transaction', () => {
    expect(afterWrite({ ownership: 'ours', conflicts: 0 }, command, rejected)).toMatchObject({ kind: 'undo' });
    expect(afterWrite({ ownership: 'ours', conflicts: 0 }, progress, rejected)).toMatchObject({ kind: 'park' });
    expect(afterWrite({ ownership: 'none', conflicts: 0 }, command, rejected)).toMatchObject({ kind: 'drop' });
  });

  it('never drops a run whose record this session owns, or may own, while there is a record', () => {
    const results = fc.constantFrom<WriteResult>(rejected, conflict, { kind: 'abandoned' });
    const owns = fc.constantFrom<Ownership>('ours', 'orphaned');
    fc.assert(
      fc.property(
        owns,
        fc.nat(100),
        fc.boolean(),
        fc.boolean(),
        results,
        (ownership, conflicts, hold, isAwaited, result) => {
          expect(afterWrite({ ownership, conflicts }, { hold, isAwaited }, result).kind).not.toBe('drop');
        },
      ),
    );
  });

  it('R9: a write of unknown outcome parks what this session owned, and is remembered where it may take ownership', () => {
    const unknown = { kind: 'abandoned' } as const;
    const released = { ...command, hold: false };
    expect(afterWrite({ ownership: 'ours', conflicts: 0 }, command, unknown).kind).toBe('park');
    expect(afterWrite({ ownership: 'orphaned', conflicts: 0 }, released, unknown).kind).toBe('park');
    expect(afterWrite({ ownership: 'none', conflicts: 0 }, command, unknown).kind).toBe('doubt');
    expect(afterWrite({ ownership: 'none', conflicts: 0 }, released, unknown).kind).toBe('drop');
  });
});
