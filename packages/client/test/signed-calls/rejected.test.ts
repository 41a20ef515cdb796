import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createCallVerifier, newGid } from '../../src/index.ts';
import { addBranches, branch as grpcBranch } from '../../src/participants/grpc.ts';
import { branch } from '../../src/participants/node-http.ts';
import { grpcServer } from '../participants/grpc-framework.ts';
import { OTHER_SECRET, SECRET } from './keys.ts';
import { coordinator, serving } from './world.ts';

/** A participant that at first has another key than the coordinator. */
interface Participant {
  readonly url: string;
  /** The op of each call, rejected ones included. */
  readonly ops: readonly string[];
  takeKey(): void;
}

function keys() {
  let current = OTHER_SECRET;
  const verify = { keys: () => [current] };
  return { verify, takeKey: () => void (current = SECRET) };
}

const unlogged = { onError: () => undefined };

async function overHttp(): Promise<Participant> {
  const ops: string[] = [];
  const { verify, takeKey } = keys();
  const serve = branch(() => undefined, { verify, ...unlogged });
  const url = await serving(async (request, response) => {
    ops.push(new URL(request.url ?? '', 'http://bank').searchParams.get('op') ?? '');
    await serve(request, response);
  });
  return { url, ops, takeKey };
}

/** @param reject the status and the body of a rejection */
async function overJsonRpc(reject: readonly [status: number, body: string]): Promise<Participant> {
  const ops: string[] = [];
  const { verify, takeKey } = keys();
  const verifier = createCallVerifier(verify);
  const url = await serving(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const { params } = JSON.parse(body.toString()) as { readonly params: { readonly op: string } };
    ops.push(params.op);
    const stated = verifier.read((name) => request.headers[name]);
    const received = { method: request.method ?? '', target: request.url ?? '', body };
    const isAccepted = await verifier.verify(stated, received).then(
      () => true,
      () => false,
    );
    if (isAccepted) response.end('{"jsonrpc":"2.0","id":1,"result":{}}');
    else response.writeHead(reject[0]).end(reject[1]);
  });
  return { url: `${url}/rpc?method=call`, ops, takeKey };
}

async function overGrpc(): Promise<Participant> {
  const ops: string[] = [];
  const { verify, takeKey } = keys();
  const served = grpcBranch(() => undefined, { verify, ...unlogged });
  const { address, close } = await grpcServer((server) => {
    addBranches(server, 'bank.Bank', {
      Call: {
        serverOf: (codec) => {
          const serve = served.serverOf(codec);
          return (call, callback) => {
            ops.push(String(call.metadata.get('dtm-op')[0]));
            serve(call, callback);
          };
        },
      },
    });
  });
  onTestFinished(close);
  return { url: `grpc://${address}/bank.Bank/Call`, ops, takeKey };
}

const RPC_ERROR = '{"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"not signed"}}';

const WAYS: Readonly<Record<string, readonly [protocol: string, start: () => Promise<Participant>]>> = {
  HTTP: ['http', overHttp],
  'JSON-RPC with 401 and an error': ['json-rpc', () => overJsonRpc([401, RPC_ERROR])],
  'JSON-RPC with 403 and a text': ['json-rpc', () => overJsonRpc([403, 'Forbidden'])],
  gRPC: ['grpc', overGrpc],
};

/** How a transaction of a pattern is run until its first call, and the ops that it calls. */
interface Case {
  readonly ops: readonly string[];
  readonly requests: (url: string, protocol: string) => readonly (readonly [path: string, body: object])[];
}

const steps = (url: string) => ({ steps: [{ action: url, compensate: url }], payloads: ['{}'] });

const CASES: Readonly<Record<string, Case>> = {
  'the action of a saga': { ops: ['action'], requests: (url) => [['submit', { trans_type: 'saga', ...steps(url) }]] },
  'the action of a message': { ops: ['action'], requests: (url) => [['submit', { trans_type: 'msg', ...steps(url) }]] },
  'the check-back of a message': {
    ops: ['msg', 'action'],
    requests: (url) => [['prepare', { trans_type: 'msg', query_prepared: url, timeout_to_fail: 1, ...steps(url) }]],
  },
  'the confirm of a tcc': {
    ops: ['confirm'],
    requests: (url) => [
      ['prepare', { trans_type: 'tcc' }],
      ['registerBranch', { trans_type: 'tcc', branch_id: '01', data: '{}', confirm: url, cancel: url }],
      ['submit', { trans_type: 'tcc' }],
    ],
  },
  'the commit of an xa': {
    ops: ['commit'],
    requests: (url) => [
      ['prepare', { trans_type: 'xa' }],
      ['registerBranch', { trans_type: 'xa', branch_id: '01', data: '{}', url }],
      ['submit', { trans_type: 'xa' }],
    ],
  },
};

describe.each(Object.entries(WAYS))('a participant that rejects a call over %s', (_way, [protocol, start]) => {
  it.each(Object.entries(CASES))(
    'is called again, and nothing is rolled back: %s',
    async (_case, { ops, requests }) => {
      const { server, hf } = await coordinator(SECRET);
      const bank = await start();
      const gid = newGid();
      for (const [path, body] of requests(bank.url, protocol)) {
        const response = await fetch(`${server.url}/api/dtmsvr/${path}`, {
          method: 'POST',
          body: JSON.stringify({ gid, ...(protocol === 'http' ? {} : { protocol }), ...body }),
        });
        expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('SUCCESS')]);
      }
      await vi.waitFor(() => expect(bank.ops.length).toBeGreaterThan(2), { timeout: 20_000 });
      expect((await hf.get(gid))?.status).toMatch(/^(?:prepared|submitted)$/);
      bank.takeKey();
      await hf.wait(gid, { timeoutMs: 20_000 });
      expect((await hf.get(gid))?.status).toBe('succeed');
      expect(new Set(bank.ops)).toEqual(new Set(ops));
    },
  );
});
