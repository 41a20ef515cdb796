import { expect, it } from 'vitest';
import { encodeState } from '../../src/codec/state-codec.ts';
import { Adoption } from '../../src/engine/adoption.ts';
import type { Releaser } from '../../src/engine/releaser.ts';
import { Registry } from '../../src/engine/registry.ts';
import { newTransaction } from '../../src/patterns/state.ts';
import type { StoredTransaction } from '../../src/store/index.ts';
import { CREATED_AT_MS, saga } from '../patterns/support/definitions.ts';
import { ManualClock } from '../support/manual-clock.ts';

const suspect = (gid: string): StoredTransaction => {
  const key = { namespace: 'default', gid };
  const { state } = newTransaction(key, saga(1), CREATED_AT_MS);
  const head = { key, pattern: 'saga', status: 'submitted', group: '', version: 7, claims: 5, entries: [] };
  return { ...head, state: encodeState(state), definition: new Uint8Array() } as unknown as StoredTransaction;
};

it('a suspect that was claimed while its last put-back came to its end is put back, not driven beside another trial', () => {
  const driven: string[] = [];
  const putBack: string[] = [];
  const adoption = new Adoption({
    registry: new Registry(() => {}),
    releaser: { putBack: ({ key }: { key: { gid: string } }) => void putBack.push(key.gid) } as unknown as Releaser,
    clock: new ManualClock(),
    maxClaims: 5,
    reconcile: ({ key }) => void driven.push(key.gid),
    reread: ({ key }) => void driven.push(key.gid),
    onPutBack: () => {},
  });
  adoption.takeAll([suspect('on trial')]);
  expect(driven).toEqual(['on trial']);
  // What runs that are leaving memory remembered of a claim.
  adoption.take(suspect('claimed again'));
  adoption.takeLater(suspect('and again'));
  expect({ driven, putBack }).toEqual({ driven: ['on trial'], putBack: ['claimed again', 'and again'] });
});

it('the session may end while the other records of a claim are opened: its suspects have left memory and are not put back', () => {
  const putBack: string[] = [];
  const registry = new Registry(() => {});
  const driven: string[] = [];
  const adoption = new Adoption({
    registry,
    releaser: { putBack: ({ key }: { key: { gid: string } }) => void putBack.push(key.gid) } as unknown as Releaser,
    clock: new ManualClock(),
    maxClaims: 5,
    reconcile: ({ key }) => {
      driven.push(key.gid);
      // Its call finds that the lease has lapsed.
      for (const run of registry.all()) registry.remove(run);
    },
    reread: () => {},
    onPutBack: () => {},
  });
  adoption.takeAll([{ ...suspect('sound'), claims: 1 }, suspect('first'), suspect('second')]);
  expect({ driven, putBack, size: registry.size }).toEqual({ driven: ['sound'], putBack: [], size: 0 });
});
