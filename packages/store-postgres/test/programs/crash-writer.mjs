// A process that writes to a store until it is killed. Arguments: URL, schema, name of the run.
import { crashWriter } from '@holdfast/conformance';
import { createPostgresStore } from '@holdfast/store-postgres';

const [url, schema, run] = process.argv.slice(2);
await crashWriter(createPostgresStore({ url, schema }), run);
