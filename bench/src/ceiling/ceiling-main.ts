import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HTTP_SERVER_LIMITS, HTTP_SERVER_SETTINGS } from '@holdfast/server';
import { endWithParent, sendToParent } from '../processes/helper-side.ts';
import { callAction } from './branch-calls.ts';

/*
 * The ceiling: the cost of a coordinator's HTTP work on the usual libraries, node:http and undici,
 * with a coordinator's settings. It parses the saga, calls its actions in order and responds,
 * without an engine, a store or any guarantee: a coordinator should stay near its figures.
 */

interface Saga {
  readonly gid: string;
  readonly steps: readonly { readonly action: string }[];
  readonly payloads: readonly string[];
}

const SUCCESS = '{"dtm_result":"SUCCESS"}';
const FAILURE = '{"dtm_result":"FAILURE"}';
const headersOf = (body: string): string[] => [
  'Content-Type',
  'application/json',
  'Content-Length',
  String(body.length),
];
const SUCCESS_HEADERS = headersOf(SUCCESS);
const FAILURE_HEADERS = headersOf(FAILURE);

async function runSaga(json: string): Promise<boolean> {
  const { gid, steps, payloads } = JSON.parse(json) as Saga;
  for (let index = 0; index < steps.length; index++) {
    const action = steps[index]?.action ?? '';
    const status = await callAction(action, gid, `0${index + 1}`, payloads[index] ?? '');
    if (status !== 200) return false;
  }
  return true;
}

function respond(response: ServerResponse, succeeded: boolean): void {
  if (succeeded) {
    response.writeHead(200, SUCCESS_HEADERS);
    response.end(SUCCESS, 'latin1');
  } else {
    response.writeHead(500, FAILURE_HEADERS);
    response.end(FAILURE, 'latin1');
  }
}

function onRequest(request: IncomingMessage, response: ServerResponse): void {
  let first: Buffer | undefined;
  let rest: Buffer[] | undefined;
  request.on('data', (chunk: Buffer) => {
    if (first === undefined) first = chunk;
    else (rest ??= [first]).push(chunk);
  });
  request.on('end', () => {
    const body = rest === undefined ? first : Buffer.concat(rest);
    runSaga(body?.toString('utf8') ?? '').then(
      (succeeded) => respond(response, succeeded),
      () => respond(response, false),
    );
  });
}

endWithParent();
const server = createServer(HTTP_SERVER_SETTINGS, onRequest);
Object.assign(server, HTTP_SERVER_LIMITS);
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  sendToParent({ port: (server.address() as AddressInfo).port });
});
