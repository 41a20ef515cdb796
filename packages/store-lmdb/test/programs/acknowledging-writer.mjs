// Writes batches one after the other and acknowledges each with a line on its standard output. Arguments: folder, number of batches, `sync` or `no-sync`.
import { writeSync } from 'node:fs';
import { CheckedStore } from '@holdfast/core/store';
import { LmdbStore } from '../../dist/lmdb-store.js';

const [path, batches, sync] = process.argv.slice(2);
const store = new CheckedStore(
  new LmdbStore({ path, wallMs: Date.now, monotonicMs: () => performance.now(), sync: sync === 'sync' }),
);
await store.open();
for (let batch = 0; batch < Number(batches); batch++) {
  const items = Array.from({ length: 8 }, (_, i) => ({
    kind: 'insert',
    key: { namespace: 'default', gid: `gid-${batch}-${i}` },
    writeId: `write-${batch}-${i}`,
    status: 'submitted',
    owner: null,
    dueInMs: 0,
    attention: false,
    state: Buffer.alloc(200),
    pattern: 'saga',
    group: '',
    definition: Buffer.alloc(400),
  }));
  await store.write(items);
  writeSync(1, `acknowledged ${batch}\n`);
}
await store.close();
