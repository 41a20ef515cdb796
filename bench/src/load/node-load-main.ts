import { endWithParent, sendToParent } from '../processes/helper-side.ts';
import { runClosedLoop } from './closed-loop.ts';
import type { LoadRequest } from './load.ts';
import { sagaBody, sagaTail, SUBMIT_PATH } from './saga.ts';

// A load generator for machines without wrk: one round, in a separate process, described in its
// argument.
endWithParent();
const { branches, gidPrefix, ...request } = JSON.parse(process.argv[2] ?? '') as LoadRequest;
const tail = sagaTail(branches);
const next = (n: number) => ({ path: SUBMIT_PATH, body: sagaBody(`${gidPrefix}${n}`, tail) });
sendToParent(await runClosedLoop({ ...request, next }));
