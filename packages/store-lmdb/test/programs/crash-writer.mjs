// A process that writes to a store until it is killed. Arguments: folder, name of the run.
import { crashWriter } from '@holdfast/conformance';
import { createLmdbStore } from '@holdfast/store-lmdb';

const [path, run] = process.argv.slice(2);
await crashWriter(createLmdbStore({ path }), run);
