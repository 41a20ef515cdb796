import { describe, expect, it } from 'vitest';
import { encodeDefinition } from '../../src/codec/definition-codec.ts';
import { encodeState } from '../../src/codec/state-codec.ts';
import { viewOf } from '../../src/engine/records.ts';
import { stoppedRecord } from '../../src/engine/stopped-record.ts';
import { newTransaction } from '../../src/patterns/index.ts';
import { wordsOf } from '../../src/store-kit/index.ts';
import type { StoredTransaction } from '../../src/store/index.ts';
import { CREATED_AT_MS, KEY, saga } from '../patterns/support/definitions.ts';

const definition = saga(1);
const record: StoredTransaction = {
  key: KEY,
  pattern: 'saga',
  group: '',
  status: 'aborting',
  version: 4,
  writeId: 'w',
  owner: null,
  claims: 0,
  dueAtMs: null,
  attention: true,
  createdAtMs: CREATED_AT_MS,
  updatedAtMs: CREATED_AT_MS + 1,
  finishedAtMs: null,
  definition: encodeDefinition(definition),
  state: encodeState({ ...newTransaction(KEY, definition, CREATED_AT_MS).state, status: 'aborting' }),
  entries: [],
};

describe('a record as callers see it', () => {
  it('has its definition, its state and its branches', () => {
    const view = viewOf(record);
    expect(view).toMatchObject({
      gid: KEY.gid,
      status: 'aborting',
      version: 4,
      attention: true,
      definition: { steps: definition.steps },
    });
    expect(view.branches.map(({ op }) => op)).toEqual(['compensate', 'action']);
  });

  it('has the contents of its columns when it cannot be decoded, and the reason', () => {
    const view = viewOf({ ...record, state: record.state.subarray(0, 20) });
    expect(view).toMatchObject({ gid: KEY.gid, pattern: 'saga', status: 'aborting', version: 4, attention: true });
    expect(view.state.status).toBe('aborting');
    expect(view.state.parked).toMatch(/^its record cannot be read: state: it should have \d+ bytes, not 20$/);
    expect(view.branches).toEqual([]);
  });

  it('is not parked when it is finished, although it is damaged', () => {
    const state = record.state.subarray(0, 20);
    const view = viewOf({ ...record, state, status: 'failed' });
    expect(view.state).toMatchObject({ status: 'failed', parked: '' });
    expect(view.state.damaged).toMatch(/^its record cannot be read: state: it should have/);
  });

  it('shows why it was stopped, also while its definition cannot be read', () => {
    const { state } = stoppedRecord(
      record,
      { reason: 'given up' },
      { writeId: 'w', nowMs: 5, why: 'bytes are missing' },
    );
    const stopped = { ...record, definition: record.definition.subarray(0, 3) };
    const view = viewOf({ ...stopped, status: 'failed', state: encodeState(state) });
    expect(view.state).toMatchObject({ status: 'failed', parked: '', damaged: 'bytes are missing', finishedAtMs: 5 });
    expect(view.state.stopped).toContain('given up');
  });

  it('shows that a later version wrote it, in a list as well', () => {
    const unreadable = wordsOf('saga', 'paused').unreadable ?? '';
    for (const summary of [false, true])
      expect(viewOf({ ...record, unreadable }, summary).state.parked).toMatch(
        /^its record cannot be read: it has the status "paused", which this version of Holdfast does not know/,
      );
  });
});
