// A process that writes to a store until it is killed. Arguments: URL, prefix, name of the run.
import { crashWriter } from '@holdfast/conformance';
import { createRedisStore } from '@holdfast/store-redis';

const [url, prefix, run] = process.argv.slice(2);
await crashWriter(createRedisStore({ url, prefix }), run);
