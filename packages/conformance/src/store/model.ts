import assert from 'node:assert/strict';
import type {
  AppendItem,
  InsertItem,
  StoredTransaction,
  UpdateItem,
  WriteItem,
  WriteOutcome,
} from '@holdfast/core/store';
import type { Status } from '@holdfast/protocol';
import { textOf } from './items.ts';

/** A record in the model: everything except the times that only the store knows. */
export interface ModelRecord {
  readonly gid: string;
  readonly namespace: string;
  readonly pattern: string;
  readonly group: string;
  readonly definition: string;
  status: Status;
  version: number;
  writeId: string;
  owner: string | null;
  claims: number;
  /** On the model's clock, which differs from the store's by less than `DUE_STEP_MS` / 2. */
  due: number | null;
  attention: boolean;
  finished: boolean;
  state: string;
  entries: { readonly key: string; readonly body: string }[];
}

/**
 * The due times of the property differ by at least this, so that the time that passes during a run
 * is irrelevant.
 */
export const DUE_STEP_MS = 100_000;

const FINAL: readonly Status[] = ['succeed', 'failed'];

/** The contract in its simplest form: a list of records that every call searches from the start. */
export class Model {
  readonly records: ModelRecord[] = [];
  readonly living = new Set<string>();
  readonly ended = new Set<string>();

  find(namespace: string, gid: string): ModelRecord | undefined {
    return this.records.find((record) => record.namespace === namespace && record.gid === gid);
  }

  write(item: WriteItem): WriteOutcome {
    const record = this.find(item.key.namespace, item.key.gid);
    if (item.kind === 'insert') return this.#insert(item, record);
    if (record === undefined) return { kind: 'missing' };
    return item.kind === 'update' ? update(item, record) : append(item, record);
  }

  #insert(item: InsertItem, existing: ModelRecord | undefined): WriteOutcome {
    if (existing !== undefined)
      return existing.writeId === item.writeId ? { kind: 'applied', version: 1, existing: [] } : conflict(existing);
    const record: ModelRecord = {
      gid: item.key.gid,
      namespace: item.key.namespace,
      pattern: item.pattern,
      group: item.group,
      definition: textOf(item.definition),
      status: item.status,
      version: 0,
      writeId: '',
      owner: null,
      claims: 0,
      due: null,
      attention: false,
      finished: false,
      state: '',
      entries: [],
    };
    this.records.push(record);
    return settle(item, record);
  }

  /** The records that a claim may take. */
  claimable(groups: readonly string[]): ModelRecord[] {
    return this.records.filter(
      ({ owner, finished, due, group }) =>
        owner === null &&
        !finished &&
        due !== null &&
        due <= DUE_STEP_MS / 2 &&
        (group === '' || groups.includes(group)),
    );
  }

  orphans(): ModelRecord[] {
    return this.records.filter(({ owner, finished }) => owner !== null && !finished && !this.living.has(owner));
  }

  end(session: string): void {
    this.living.delete(session);
    this.ended.add(session);
  }

  purge(): number {
    const kept = this.records.filter((record) => !record.finished);
    const purged = this.records.length - kept.length;
    this.records.splice(0, this.records.length, ...kept);
    return purged;
  }
}

const conflict = ({ status, version }: ModelRecord): WriteOutcome => ({ kind: 'conflict', status, version });

function update(item: UpdateItem, record: ModelRecord): WriteOutcome {
  if (record.version !== item.expectVersion)
    return record.writeId === item.writeId
      ? { kind: 'applied', version: item.expectVersion + 1, existing: [] }
      : conflict(record);
  return record.finished && !FINAL.includes(item.status) ? conflict(record) : settle(item, record);
}

function settle(item: InsertItem | UpdateItem, record: ModelRecord): WriteOutcome {
  record.finished = FINAL.includes(item.status);
  record.status = item.status;
  record.version++;
  record.writeId = item.writeId;
  record.owner = record.finished ? null : item.owner;
  record.claims = record.owner === null ? 0 : 1;
  record.due = record.finished ? null : item.dueInMs;
  record.attention = item.attention;
  record.state = textOf(item.state);
  return { kind: 'applied', version: record.version, existing: [] };
}

function append(item: AppendItem, record: ModelRecord): WriteOutcome {
  const there = item.entries.filter((entry) => record.entries.some((old) => old.key === entry.key));
  const existing = there.map(({ key }) => {
    const old = record.entries.find((entry) => entry.key === key);
    return { key, body: new TextEncoder().encode(old?.body) };
  });
  const added = item.entries.filter((entry) => !there.includes(entry));
  if (added.length === 0) return { kind: 'applied', version: record.version, existing };
  if (item.whenPattern !== undefined && item.whenPattern !== record.pattern) return conflict(record);
  if (!item.whenStatus.includes(record.status)) return conflict(record);
  if (record.entries.length + added.length > item.maxEntries)
    return { kind: 'conflict', status: record.status, version: record.version, full: 'entries' };
  record.entries.push(...added.map(({ key, body }) => ({ key, body: textOf(body) })));
  record.version++;
  if (item.postponeMs !== undefined && record.due !== null) record.due = item.postponeMs;
  return { kind: 'applied', version: record.version, existing };
}

/** Asserts that a stored record is the model's. */
export function assertSame(stored: StoredTransaction | undefined, record: ModelRecord): void {
  assert.ok(stored, `${record.gid} is missing`);
  const { key, createdAtMs, updatedAtMs, finishedAtMs, dueAtMs, definition, state, entries, ...rest } = stored;
  const { gid, namespace, due, finished, ...expected } = record;
  assert.deepEqual(key, { namespace, gid });
  assert.ok(updatedAtMs >= createdAtMs);
  assert.equal(finishedAtMs !== null, finished, `${gid}: finished`);
  assert.equal(dueAtMs !== null, due !== null, `${gid}: due`);
  if (dueAtMs !== null && due !== null)
    assert.ok(Math.abs(dueAtMs - updatedAtMs - due) < DUE_STEP_MS / 2, `${gid}: due time`);
  const bodies = {
    definition: textOf(definition),
    state: textOf(state),
    entries: entries.map((entry) => ({ key: entry.key, body: textOf(entry.body) })),
  };
  assert.deepEqual({ ...rest, ...bodies }, expected);
}
