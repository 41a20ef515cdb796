import { describe, expect, it } from 'vitest';
import { Registry } from '../../src/engine/registry.ts';
import { Run } from '../../src/engine/run.ts';
import type { StoredTransaction } from '../../src/store/index.ts';

const keyOf = (gid: string) => ({ namespace: 'default', gid });
const record = (gid: string, version: number): StoredTransaction => ({ key: keyOf(gid), version }) as StoredTransaction;

/** A run that leaves memory with this version. */
function leaving(registry: Registry, gid: string, version: number): void {
  const run = registry.add(Run.ofStored(keyOf(gid)));
  run.sawVersion(version);
  registry.remove(run);
}

describe('the runs of a node', () => {
  it('count the room of a claim in flight until it returns, also when it fails (RG1)', async () => {
    const registry = new Registry(() => {});
    registry.add(Run.ofStored(keyOf('a')));
    const seen: unknown[] = [];
    const look = (): void => void seen.push([registry.size, registry.taken, registry.claiming]);
    await registry.claim(
      10,
      () => {
        look();
        return Promise.resolve([]);
      },
      () => {},
    );
    look();
    const failed = registry.claim(
      5,
      () => Promise.reject(new Error('away')),
      () => {},
    );
    look();
    await expect(failed).rejects.toThrow('away');
    look();
    expect(seen).toEqual([
      [1, 11, true],
      [1, 1, false],
      [1, 6, true],
      [1, 1, false],
    ]);
  });

  it('are not opened again by a claim that returns an older version than they left memory with (RG2)', async () => {
    const registry = new Registry(() => {});
    leaving(registry, 'before the claim', 9);
    const adopted: string[] = [];
    await registry.claim(
      10,
      () => {
        leaving(registry, 'newer', 4);
        leaving(registry, 'newer', 2);
        leaving(registry, 'as new', 3);
        return Promise.resolve([record('newer', 3), record('as new', 3), record('before the claim', 8)]);
      },
      (records) => adopted.push(...records.map(({ key }) => key.gid)),
    );
    expect(adopted).toEqual(['as new', 'before the claim']);
  });

  it('leave memory once: a run that was replaced does not take the new one with it', () => {
    const left: string[] = [];
    const registry = new Registry(({ key }) => left.push(key.gid));
    const first = registry.add(Run.ofStored(keyOf('a')));
    const second = registry.add(Run.ofStored(keyOf('a')));
    registry.remove(first);
    expect([registry.get(second.id), first.phase, second.phase]).toEqual([second, 'gone', 'loading']);
    expect(left).toEqual(['a']);
  });
});
