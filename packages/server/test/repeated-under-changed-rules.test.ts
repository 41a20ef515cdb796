import { MemoryStore } from '@holdfast/core/memory-store';
import { CheckedStore, type Store } from '@holdfast/core/store';
import { startServer } from '@holdfast/server';
import { always, Participants } from '@holdfast/testing/participants';
import { TestClient } from '@holdfast/testing/test-server';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GrpcClient } from './support/grpc-client.ts';

/** A node of one store. */
interface Node extends AsyncDisposable {
  readonly http: TestClient;
  readonly grpc: GrpcClient;
}

let shop: Participants;
/** Accepts everything below. */
let before: Node;
/** The same cluster after a change of its rules: no target, secret, step or payload is allowed. */
let after: Node;
let gid = '';
let serial = 0;

beforeAll(async () => {
  shop = await Participants.start();
  shop.respond('/refused', always(409, 'no'));
  shop.respond('/stuck', always(500));
  const shared = new CheckedStore(new MemoryStore(Date.now));
  const node = async (
    rules: Parameters<typeof startServer>[0],
    secrets: ReadonlyMap<string, string>,
  ): Promise<Node> => {
    const store = new Proxy(shared, {
      get(_, name) {
        // Both nodes use the store until the last one stops.
        if (name === 'close') return () => Promise.resolve();
        const value: unknown = Reflect.get(shared, name, shared);
        return typeof value === 'function' ? value.bind(shared) : value;
      },
    }) as Store;
    const config = { store: 'memory:', httpPort: 0, grpcPort: 0, drainTimeout: 0, ...rules };
    const running = await startServer(config, { store, secrets });
    const grpc = new GrpcClient(running.grpcAddress);
    return {
      http: new TestClient(running.url),
      grpc,
      async [Symbol.asyncDispose]() {
        grpc[Symbol.dispose]();
        await running.close();
      },
    };
  };
  before = await node({ branchTargets: ['127.0.0.1'] }, new Map([['key', 'k']]));
  after = await node({ branchTargets: ['10.0.0.1'], maxSteps: 1, maxPayloadBytes: 1 }, new Map());
});
afterAll(async () => {
  await after[Symbol.asyncDispose]();
  await before[Symbol.asyncDispose]();
  await shop[Symbol.asyncDispose]();
});
beforeEach(() => {
  gid = `repeated-${++serial}`;
});

interface Wanted {
  readonly path?: string;
  readonly amount?: number;
  readonly pattern?: 'saga' | 'msg';
  readonly tenant?: string;
}

const bodyOf = ({ path = '/ok', amount = 30, pattern = 'saga', tenant }: Wanted) => ({
  gid,
  trans_type: pattern,
  steps: [
    { action: shop.url(path), ...(pattern === 'saga' && { compensate: shop.url('/undo') }) },
    { action: shop.url('/ok'), ...(pattern === 'saga' && { compensate: '' }) },
  ],
  payloads: [JSON.stringify({ amount }), ''],
  branch_headers: { 'X-Key': 'secret:key', ...(tenant !== undefined && { tenant }) },
});

type Send = (
  node: Node,
  operation: 'prepare' | 'submit',
  wanted: Wanted,
) => Promise<'accepted' | 'refused' | 'invalid'>;

const verdictOf = (status: number): 'accepted' | 'refused' | 'invalid' => {
  expect([200, 409, 400, 413]).toContain(status);
  return status === 200 ? 'accepted' : status === 409 ? 'refused' : 'invalid';
};

const WIRES: readonly (readonly [string, Send])[] = [
  [
    "dtm's REST",
    async ({ http }, operation, wanted) =>
      verdictOf((await http.request('POST', `/api/dtmsvr/${operation}`, bodyOf(wanted))).status),
  ],
  [
    'JSON-RPC',
    async ({ http }, operation, wanted) => {
      const body = { jsonrpc: '2.0', id: 1, method: operation, params: bodyOf(wanted) };
      const { json } = await http.request('POST', '/api/json-rpc', body);
      const { code } = (json.error?.data ?? {}) as { readonly code?: string };
      if (json.error === undefined) return 'accepted';
      return code === 'refused' || code === 'exists' ? 'refused' : 'invalid';
    },
  ],
  [
    "dtm's gRPC",
    async ({ grpc }, operation, wanted) => {
      const { gid: Gid, trans_type: TransType, steps, payloads, branch_headers: BranchHeaders } = bodyOf(wanted);
      const request = {
        Gid,
        TransType,
        Steps: JSON.stringify(steps),
        BinPayloads: payloads.map((each) => Buffer.from(each)),
        TransOptions: { BranchHeaders },
      };
      const { code } = await grpc.call(operation === 'submit' ? 'Submit' : 'Prepare', request);
      return code === 0 ? 'accepted' : code === 10 ? 'refused' : 'invalid';
    },
  ],
  [
    '/api/v1',
    async ({ http }, operation, wanted) => {
      const { trans_type: pattern, steps, payloads, branch_headers: branchHeaders } = bodyOf(wanted);
      const body = {
        gid,
        pattern,
        status: operation === 'submit' ? 'submitted' : 'prepared',
        steps: steps.map((step, at) => ({
          action: step.action,
          ...('compensate' in step && { compensate: step.compensate }),
          ...(payloads[at] !== '' && { payload: JSON.parse(payloads[at] ?? '') as unknown }),
        })),
        branchHeaders,
      };
      return verdictOf((await http.request('POST', '/api/v1/transactions', body)).status);
    },
  ],
];

const ended = async (): Promise<void> => {
  await before.http.request('GET', `/api/v1/transactions/${gid}?waitMs=10000`);
};

describe.each(WIRES)('under rules that forbid it by now, over %s', (_, send) => {
  it.each([
    ['submitted', '/stuck', 'accepted'],
    ['succeeded', '/ok', 'accepted'],
    ['failed', '/refused', 'refused'],
  ] as const)(
    'a repeated submission of a transaction that has %s receives its status',
    async (status, path, verdict) => {
      expect(await send(after, 'submit', { path })).toBe('invalid');
      expect(await send(before, 'submit', { path })).toBe('accepted');
      if (status !== 'submitted') await ended();
      expect(await send(after, 'submit', { path })).toBe(verdict);
    },
  );

  it('other content under its gid is rejected', async () => {
    expect(await send(before, 'submit', {})).toBe('accepted');
    for (const wanted of [{ amount: 31 }, { path: '/other' }, { tenant: 'b' }, { pattern: 'msg' }] as const)
      expect(await send(after, 'submit', wanted)).toBe('invalid');
    expect(shop.calls.some((call) => call.endsWith('/other'))).toBe(false);
  });

  it('a prepared message is prepared again and submitted, unless that would replace its headers', async () => {
    const message = { pattern: 'msg', tenant: 'a' } as const;
    expect(await send(after, 'prepare', message)).toBe('invalid');
    expect(await send(before, 'prepare', message)).toBe('accepted');
    expect(await send(after, 'prepare', message)).toBe('accepted');
    expect(await send(after, 'submit', { ...message, tenant: 'b' })).toBe('invalid');
    expect(await send(after, 'submit', { ...message, amount: 31 })).toBe('invalid');
    expect(await send(after, 'submit', message)).toBe('accepted');
  });
});

describe('a branch of a tcc under rules that forbid it by now', () => {
  it('is registered again, and no other one is', async () => {
    await before.http.request('POST', '/api/dtmsvr/prepare', { gid, trans_type: 'tcc' });
    const register = async ({ http }: Node, data: string, branch_id = '01') =>
      verdictOf(
        (
          await http.request('POST', '/api/dtmsvr/registerBranch', {
            ...{ gid, trans_type: 'tcc', branch_id, data },
            ...{ confirm: shop.url('/confirm'), cancel: shop.url('/cancel') },
          })
        ).status,
      );
    expect(await register(before, '{"a":1}')).toBe('accepted');
    expect(await register(after, '{"a":1}')).toBe('accepted');
    expect(await register(after, '{"a":2}')).toBe('invalid');
    expect(await register(after, '{"a":1}', '02')).toBe('invalid');
  });
});
