import { runClosedLoop } from '../load/closed-loop.ts';
import { endWithParent, sendToParent } from '../processes/helper-side.ts';
import { fillPost, type FillRequest } from './fill-request.ts';

// Fills a store through its coordinator, in a separate process; its argument is the request.
const CALLERS = 128;
const MOST_SECONDS = 3_600;

endWithParent();
const request = JSON.parse(process.argv[2] ?? '') as FillRequest;
sendToParent(
  await runClosedLoop({
    target: request.target,
    connections: CALLERS,
    seconds: MOST_SECONDS,
    next: (n) => fillPost(request, n),
  }),
);
