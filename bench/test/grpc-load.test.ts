import grpc from '@grpc/grpc-js';
import { DTM_REQUEST } from '@holdfast/protocol/grpc';
import { decodeMessage } from '@holdfast/protocol/protobuf';
import { expect, onTestFinished, test } from 'vitest';
import { runGrpcLoop } from '../src/grpc/grpc-closed-loop.ts';
import { submitOnce } from '../src/grpc/submit-once.ts';

const BRANCHES = '127.0.0.1:1/bench.Bank';
const raw = (bytes: Buffer): Buffer => bytes;
const SUBMIT = {
  path: '/dtmgimp.Dtm/Submit',
  requestStream: false,
  responseStream: false,
  requestSerialize: raw,
  requestDeserialize: raw,
  responseSerialize: raw,
  responseDeserialize: raw,
};

interface Server {
  readonly origin: string;
  readonly shutDown: () => void;
}

/** A coordinator by the library `@grpc/grpc-js`. */
async function serve(submit: grpc.handleUnaryCall<Buffer, Buffer>): Promise<Server> {
  const server = new grpc.Server();
  server.addService({ Submit: SUBMIT }, { Submit: submit });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, chosen) =>
      error === null ? resolve(chosen) : reject(error),
    );
  });
  const shutDown = (): void => server.forceShutdown();
  onTestFinished(shutDown);
  return { origin: `http://127.0.0.1:${port}`, shutDown };
}

const load = (target: string, connections: number) =>
  runGrpcLoop({ target, branches: BRANCHES, connections, seconds: 0.3, gidPrefix: 'bench-1-' });

test('each caller submits one saga at a time, each saga with another gid', async () => {
  const gids: string[] = [];
  const waiting: (() => void)[] = [];
  let most = 0;
  const { origin } = await serve(({ request }, respond) => {
    gids.push(decodeMessage(DTM_REQUEST, request).Gid);
    most = Math.max(
      most,
      waiting.push(() => respond(null, Buffer.alloc(0))),
    );
    // The first responses are sent when the callers can send no more.
    if (gids.length >= 70) for (const send of waiting.splice(0)) send();
  });
  const result = await load(origin, 70);
  expect(result).toMatchObject({ completed: gids.length, statusErrors: 0, bodyErrors: 0, socketErrors: 0 });
  expect(most).toBe(70);
  expect(new Set(gids).size).toBe(gids.length);
  expect(gids.every((gid) => /^bench-1-\d{9}$/.test(gid))).toBe(true);
});

test('a saga has two branches, and is waited for', async () => {
  let seen: Buffer = Buffer.alloc(0);
  const { origin } = await serve(({ request }, respond) => {
    seen = request;
    respond(null, Buffer.alloc(0));
  });
  expect(await submitOnce(origin, BRANCHES, 'one-')).toEqual({ status: '0', message: '', failure: undefined });
  const saga = decodeMessage(DTM_REQUEST, seen);
  expect(saga).toMatchObject({ Gid: 'one-000000001', TransType: 'saga', TransOptions: { WaitResult: true } });
  expect(JSON.parse(saga.Steps)).toEqual([
    { action: `${BRANCHES}/debit`, compensate: `${BRANCHES}/refund` },
    { action: `${BRANCHES}/credit`, compensate: `${BRANCHES}/revoke` },
  ]);
  expect(saga.BinPayloads.map((payload) => Buffer.from(payload).toString())).toEqual([
    '{"amount":30}',
    '{"amount":30}',
  ]);
});

test('a status other than OK is an error, and the saga of the preflight quotes it', async () => {
  const { origin } = await serve((_, respond) => respond({ code: grpc.status.ABORTED, details: 'no money' }));
  const result = await load(origin, 2);
  expect(result.completed).toBe(0);
  expect(result.statusErrors).toBeGreaterThan(1);
  expect(await submitOnce(origin, BRANCHES, 'one-')).toMatchObject({ status: '10', message: 'no money' });
});

test('callers whose connection is lost stop, and their calls are errors', async () => {
  let count = 0;
  const { origin, shutDown } = await serve((_, respond) => {
    if ((count += 1) > 3) shutDown();
    else respond(null, Buffer.alloc(0));
  });
  const result = await load(origin, 2);
  expect(result).toMatchObject({ statusErrors: 0, bodyErrors: 0 });
  expect(result.completed).toBeLessThanOrEqual(3);
  expect(result.socketErrors).toBeGreaterThanOrEqual(2);
});
