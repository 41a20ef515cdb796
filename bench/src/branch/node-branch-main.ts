import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { endWithParent, sendToParent } from '../processes/helper-side.ts';
import { BRANCH_RESPONSE } from './branch-service.ts';

// A branch service for machines without nginx: a process that responds to every request with
// success and reports its port.
endWithParent();
const headers = ['Content-Type', 'application/json', 'Content-Length', String(BRANCH_RESPONSE.length)];
const server = createServer({ keepAliveTimeout: 3_600_000 }, (request, response) => {
  request.resume();
  response.writeHead(200, headers);
  response.end(BRANCH_RESPONSE, 'latin1');
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  sendToParent({ port: (server.address() as AddressInfo).port });
});
