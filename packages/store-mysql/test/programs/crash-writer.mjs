// A process that writes to a store until it is killed. Arguments: URL, prefix, name of the run.
import { crashWriter } from '@holdfast/conformance';
import { createMysqlStore } from '@holdfast/store-mysql';

const [url, prefix, run] = process.argv.slice(2);
await crashWriter(createMysqlStore({ url, prefix }), run);
