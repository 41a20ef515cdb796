// Writes until the disk is full, and goes on trying; says as JSON what it saw. Argument: folder.
import { createLmdbStore } from '@holdfast/store-lmdb';

const REFUSALS = 400;
const store = createLmdbStore({ path: process.argv[2] });
await store.open();
const itemOf = (gid, size) => ({
  kind: 'insert',
  key: { namespace: 'default', gid },
  writeId: gid,
  status: 'submitted',
  owner: null,
  dueInMs: 60_000,
  attention: false,
  state: Buffer.alloc(size),
  pattern: 'saga',
  group: '',
  definition: Buffer.alloc(200),
});
const codes = new Set();
const acknowledged = [];
let refused = 0;
for (let batch = 0; refused < REFUSALS; batch++) {
  const size = 500 + ((batch * 997) % 15_000);
  const items = Array.from({ length: 1 + (batch % 10) }, (_, i) => itemOf(`gid-${batch}-${i}`, size));
  try {
    await store.write(items);
    acknowledged.push(...items.map(({ key }) => key));
  } catch (error) {
    refused++;
    codes.add(error.code);
  }
}
const found = await store.get(acknowledged);
await store.close();
process.stdout.write(
  JSON.stringify({ refused, codes: [...codes], kept: found.every((record) => record !== undefined) ? 'all' : 'some' }),
);
