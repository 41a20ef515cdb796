import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Store } from '@holdfast/core/store';
import { assertRejects, type Cases, type StorePlace } from './harness.ts';
import { keyOf, openSession } from './items.ts';

const SLOW_MS = 60_000;
/** Number of acknowledged lines after which a process is killed; a few more may follow. */
const KILLED_AFTER_LINES = [40, 1_200, 333];

/** Acknowledged writes survive the death of the process without intervention. */
export function crashCases({ describe, it, manifest }: Cases): void {
  if (!manifest.durable) return;
  describe('after the death of the process', () => {
    it(
      'has every acknowledged write and accepts new ones',
      async ({ store, place }) => {
        await store.close();
        const acknowledged = new Map<string, number>();
        for (const [run, lines] of KILLED_AFTER_LINES.entries())
          await writeAndDie(place, `run-${run}`, lines, acknowledged);
        await store.open();
        assert.ok(acknowledged.size >= 1_000, `only ${acknowledged.size} transactions were acknowledged`);
        await assertAllThere(store, acknowledged);
        await assertNothingStuck(store);
      },
      SLOW_MS,
    );

    if (manifest.exclusive)
      it(
        'lets a process in when the one before it was killed, and not earlier',
        async ({ store, place }) => {
          await store.close();
          const writer = startWriter(place, 'run-0');
          try {
            await writer.lines.next();
            await assertRejects(store.open(), 'locked');
          } finally {
            await kill(writer.child);
          }
          await store.open();
        },
        SLOW_MS,
      );
  });
}

function startWriter(place: StorePlace, run: string): { child: ChildProcess; lines: AsyncIterator<string> } {
  assert.ok(place.writerProcess, 'a durable store driver specifies how to start a process that writes');
  const { command, args } = place.writerProcess;
  const child = spawn(command, [...args, run], { stdio: ['ignore', 'pipe', 'inherit'] });
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
  child.kill('SIGKILL');
  await gone;
}

/**
 * Lets a process write until it has acknowledged this number of lines, kills it, and adds all lines
 * that it printed.
 */
async function writeAndDie(
  place: StorePlace,
  run: string,
  lines: number,
  acknowledged: Map<string, number>,
): Promise<void> {
  const writer = startWriter(place, run);
  let dead: Promise<void> | undefined;
  let read = 0;
  for (let line = await writer.lines.next(); line.done !== true; line = await writer.lines.next()) {
    const [gid = '', version] = line.value.split(' ');
    assert.notEqual(version, 'refused', `${gid} was rejected`);
    acknowledged.set(gid, Number(version));
    if (++read === lines) dead = kill(writer.child);
  }
  assert.ok(dead, `the process exited before it was killed, after ${read} lines`);
  await dead;
}

async function assertAllThere(store: Store, acknowledged: ReadonlyMap<string, number>): Promise<void> {
  const expected = [...acknowledged];
  for (let from = 0; from < expected.length; from += 1_000) {
    const part = expected.slice(from, from + 1_000);
    const records = await store.get(part.map(([gid]) => keyOf(gid)));
    for (const [i, [gid, version]] of part.entries())
      assert.ok(
        (records[i]?.version ?? 0) >= version,
        `${gid} was acknowledged as version ${version}, but is ${records[i]?.version}`,
      );
  }
}

/**
 * Lists, counts, claims and purges agree: everything that is not finished can be taken over and
 * driven, everything else deleted.
 */
async function assertNothingStuck(store: Store): Promise<void> {
  const { byStatus } = await store.count();
  const session = await openSession(store, 'after the crashes');
  while ((await store.takeOver({ silenceMs: -1, keep: session, limit: 500 })).more);
  let claimed = 0;
  for (let found = -1; found !== 0; claimed += found)
    found = (await store.claimDue({ session, limit: 500, groups: [] })).claimed.length;
  assert.equal(claimed, byStatus.submitted);
  let purged = 0;
  for (let found = -1; found !== 0; purged += found) found = await store.purge({ olderThanMs: -60_000, limit: 500 });
  assert.equal(purged, byStatus.succeed);
  let listed = 0;
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<Store['list']>> = await store.list({
      namespace: 'default',
      limit: 1_000,
      ...(cursor === null ? {} : { cursor }),
    });
    listed += page.items.length;
    cursor = page.next;
  } while (cursor !== null);
  assert.equal(listed, byStatus.submitted);
}
