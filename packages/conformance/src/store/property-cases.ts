import assert from 'node:assert/strict';
import type { Store, WriteItem, WriteOutcome } from '@holdfast/core/store';
import { STATUSES } from '@holdfast/protocol';
import fc from 'fast-check';
import type { Cases, Fixture } from './harness.ts';
import { bytes, entryOf, keyOf, newWriteId } from './items.ts';
import { assertSame, Model, type ModelRecord } from './model.ts';
import { GIDS, NAMESPACES, type Plan, step, type Step } from './property-steps.ts';

/** Fewer runs, because a durable store syncs with each step. */
const DURABLE_RUNS = 20;
const RUNS = 60;
const STEPS = 40;
const SLOW_MS = 120_000;
const SEED = 20_250_101;

const EVERYTHING = 1_000;

/** Random operations against the store driver and a simple model. */
export function propertyCases({ describe, itWithPlaces, manifest }: Cases): void {
  describe('any sequence of operations', () => {
    itWithPlaces(
      'leaves the state that a simple model predicts',
      (withStore) =>
        fc.assert(
          fc.asyncProperty(fc.array(step, { minLength: STEPS / 2, maxLength: STEPS }), (steps) =>
            withStore((fixture) => new Run(fixture, manifest.durable, manifest.exclusive).all(steps)),
          ),
          { seed: SEED, numRuns: manifest.durable ? DURABLE_RUNS : RUNS, endOnFailure: false },
        ),
      SLOW_MS,
    );
  });
}

/** One sequence: performs each step on the store and on the model, and compares the results. */
class Run {
  readonly #fixture: Fixture;
  readonly #durable: boolean;
  readonly #exclusive: boolean;
  readonly #model = new Model();
  #store: Store;
  #lastBatch: readonly WriteItem[] = [];

  constructor(fixture: Fixture, durable: boolean, exclusive: boolean) {
    this.#fixture = fixture;
    this.#store = fixture.store;
    this.#durable = durable;
    this.#exclusive = exclusive;
  }

  async all(steps: readonly Step[]): Promise<void> {
    for (const next of steps) {
      await this.#do(next);
      await this.#compare();
    }
  }

  #do(next: Step): Promise<void> {
    switch (next.do) {
      case 'write':
        return this.#write(next.plans.map((p) => this.#itemOf(p)));
      case 'repeat':
        return this.#write(this.#lastBatch);
      case 'claim':
        return this.#claim(next.session, next.limit, next.groups);
      case 'open':
        return this.#open(next.session);
      case 'end':
        this.#model.end(next.session);
        return this.#store.endSession(next.session);
      case 'beat':
        return this.#beat(next.session);
      case 'takeOver':
        return this.#takeOver(next.session);
      case 'makeDue':
        return this.#makeDue(next.namespace, next.laterThanMs);
      case 'purge':
        return this.#purge();
      case 'reopen':
        return this.#reopen();
    }
  }

  #itemOf(p: Plan): WriteItem {
    const key = keyOf(p.gid, p.namespace);
    if (p.kind === 'append') {
      const postpone = p.postpone === undefined ? {} : { postponeMs: p.postpone };
      const entries = p.entries.map((entry) => entryOf(entry, newWriteId()));
      return {
        kind: 'append',
        key,
        entries,
        whenStatus: ['prepared', 'submitted'],
        maxEntries: p.maxEntries,
        ...postpone,
      };
    }
    const { status, owner, attention } = p;
    const writeId = newWriteId();
    const settings = {
      key,
      writeId,
      status,
      owner,
      attention,
      dueInMs: owner === null ? p.due : null,
      state: bytes(writeId),
    };
    if (p.kind === 'insert')
      return { kind: 'insert', ...settings, pattern: 'saga', group: p.group, definition: bytes(`of ${writeId}`) };
    const version = this.#model.find(p.namespace, p.gid)?.version ?? 1;
    return { kind: 'update', ...settings, expectVersion: p.stale ? version + 1 : version };
  }

  async #write(batch: readonly WriteItem[]): Promise<void> {
    this.#lastBatch = batch;
    const outcomes = await this.#store.write(batch);
    const expected = batch.map((item) => this.#model.write(item));
    assert.deepEqual(plain(outcomes), plain(expected));
  }

  async #claim(owner: string, limit: number, groups: readonly string[]): Promise<void> {
    const { claimed, sessionEnded } = await this.#store.claimDue({ session: owner, limit, groups });
    const living = this.#model.living.has(owner);
    assert.equal(sessionEnded, !living);
    const candidates = living ? this.#model.claimable(groups) : [];
    assert.equal(claimed.length, Math.min(limit, candidates.length));
    const taken = claimed.map(({ key }) => candidates.find((c) => c.gid === key.gid && c.namespace === key.namespace));
    const left = candidates.filter((candidate) => !taken.includes(candidate));
    let latest = -Infinity;
    for (const [i, record] of taken.entries()) {
      assert.ok(record && record.due !== null, `${claimed[i]?.key.gid} was claimed, but was not to be`);
      assert.ok(record.due >= latest, 'claimed out of order');
      assert.ok(
        left.every((other) => (other.due ?? 0) >= (record.due ?? 0)),
        'something that is due earlier was left',
      );
      latest = record.due;
      Object.assign(record, { owner, due: null, claims: record.claims + 1, version: record.version + 1 });
      assertSame(claimed[i], record);
    }
  }

  async #open(opened: string): Promise<void> {
    // An ended session is rejected, which the session cases test.
    if (this.#model.ended.has(opened)) return;
    this.#model.living.add(opened);
    await this.#store.openSession(opened, { node: 'suite', version: '1' });
  }

  async #beat(beating: string): Promise<void> {
    assert.equal((await this.#store.heartbeat(beating)).alive, this.#model.living.has(beating));
  }

  async #takeOver(keep: string): Promise<void> {
    const result = await this.#store.takeOver({ silenceMs: -1, keep, limit: EVERYTHING });
    const silent = [...this.#model.living].filter((living) => living !== keep);
    for (const ended of silent) this.#model.end(ended);
    const orphans = this.#model.orphans();
    for (const orphan of orphans) makeDue(orphan);
    assert.deepEqual(result.ended.toSorted(), silent.toSorted());
    assert.deepEqual([result.released, result.more], [orphans.length, false]);
  }

  async #makeDue(namespace: string, laterThanMs: number): Promise<void> {
    const result = await this.#store.makeDue({ namespace, laterThanMs, limit: EVERYTHING });
    const later = this.#model.records.filter(
      (record) => record.namespace === namespace && record.due !== null && record.due > laterThanMs,
    );
    for (const record of later) makeDue(record);
    assert.deepEqual(result, { count: later.length, more: false });
  }

  async #purge(): Promise<void> {
    assert.equal(await this.#store.purge({ olderThanMs: -1, limit: EVERYTHING }), this.#model.purge());
  }

  async #reopen(): Promise<void> {
    if (!this.#durable) return;
    if (this.#exclusive) for (const living of [...this.#model.living]) this.#model.end(living);
    // The sessions of an exclusive store are forgotten with the process, so that their IDs may be
    // used again.
    if (this.#exclusive) this.#model.ended.clear();
    this.#store = await this.#fixture.reopen();
  }

  async #compare(): Promise<void> {
    const keys = NAMESPACES.flatMap((namespace) => GIDS.map((gid) => keyOf(gid, namespace)));
    const stored = await this.#store.get(keys);
    for (const [i, { namespace, gid }] of keys.entries()) {
      const record = this.#model.find(namespace, gid);
      if (record === undefined) assert.equal(stored[i], undefined, `${gid} should not be there`);
      else assertSame(stored[i], record);
    }
    for (const namespace of NAMESPACES) await this.#compareNamespace(namespace);
  }

  async #compareNamespace(namespace: string): Promise<void> {
    const expected = this.#model.records.filter((record) => record.namespace === namespace);
    const { items, next } = await this.#store.list({ namespace, limit: EVERYTHING });
    assert.equal(next, null);
    assert.deepEqual(items.map((item) => item.key.gid).toSorted(), expected.map((record) => record.gid).toSorted());
    for (const item of items) assertSame(item, expected.find((record) => record.gid === item.key.gid) as ModelRecord);
    const { byStatus, attention } = await this.#store.count(namespace);
    for (const status of STATUSES)
      assert.equal(
        byStatus[status],
        expected.filter((record) => record.status === status).length,
        `count of ${status}`,
      );
    assert.equal(attention, expected.filter((record) => record.attention).length, 'count of attention');
  }
}

const makeDue = (record: ModelRecord): void =>
  void Object.assign(record, { owner: null, due: 0, version: record.version + 1 });

/** Outcomes with bodies as numbers, since store drivers may return Buffers. */
const plain = (outcomes: readonly WriteOutcome[]): unknown =>
  outcomes.map((outcome) =>
    outcome.kind === 'applied'
      ? { ...outcome, existing: outcome.existing.map(({ key, body }) => [key, ...body]) }
      : outcome,
  );
