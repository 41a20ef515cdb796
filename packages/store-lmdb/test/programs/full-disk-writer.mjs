// Writes until the file may not grow, and says as JSON what it saw. Argument: folder. To be run under a limit of the size of files (`ulimit -f`).
import { createLmdbStore } from '@holdfast/store-lmdb';

const store = createLmdbStore({ path: process.argv[2] });
await store.open();
await store.openSession('session', { node: 'test', version: '1' });
const itemOf = (gid) => ({
  kind: 'insert',
  key: { namespace: 'default', gid },
  writeId: gid,
  status: 'submitted',
  owner: 'session',
  dueInMs: null,
  attention: false,
  state: Buffer.alloc(1_000),
  pattern: 'saga',
  group: '',
  definition: Buffer.alloc(1_000),
});
const acknowledged = [];
let refused = [];
let error;
for (let batch = 0; error === undefined; batch++) {
  const items = Array.from({ length: 32 }, (_, i) => itemOf(`gid-${batch}-${i}`));
  try {
    await store.write(items);
    acknowledged.push(...items.map((item) => item.key.gid));
  } catch (thrown) {
    error = { name: thrown.name, code: thrown.code };
    refused = items.map((item) => item.key.gid);
  }
}
const keysOf = (gids) => gids.map((gid) => ({ namespace: 'default', gid }));
const kept = (await store.get(keysOf(acknowledged))).filter((record) => record !== undefined).length;
const sneakedIn = (await store.get(keysOf(refused))).filter((record) => record !== undefined).length;
const { byStatus } = await store.count();
await store.close();
process.stdout.write(
  JSON.stringify({ error, acknowledged: acknowledged.length, kept, sneakedIn, counted: byStatus.submitted }),
);
