import { DTM_OPERATION_NAMES, DTM_OPERATIONS, type DtmOperationName } from '@holdfast/api';
import type { ServerConfig } from '@holdfast/server';
import {
  API_ROOT,
  OPERATION_NAMES,
  operationOf,
  type OperationName,
  pathFieldsOf,
  type Role,
  ROLES,
  STREAM_NAMES,
  streamOf,
} from '@holdfast/protocol';
import { holdfastService } from '@holdfast/protocol/grpc';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DTM_REQUESTS, RPC_REQUESTS } from '../support/dtm-requests.ts';
import { GrpcClient } from '../support/grpc-client.ts';
import { Watching, watchClient } from '../support/watch-client.ts';
import { AUDIENCE, TestIssuer } from '../oidc/support.ts';
import { bearer, GuardedServer } from './support.ts';

/** A caller with an API token or a JWT, or without credentials. */
type Caller = Role | `JWT ${Role}` | undefined;

/** Every operation on every wire is tried with a token and a JWT of every role, and without one. */
const CALLERS: readonly Caller[] = [...ROLES, ...ROLES.map((role) => `JWT ${role}` as const), undefined];

const methodsOf = (service: 'dtm' | 'holdfast'): readonly string[] => {
  using client = new GrpcClient('127.0.0.1:1', service);
  return client.methods;
};

describe('the tables below', () => {
  it('have every method of the published services and every call of dtm’s wire', () => {
    const named = (name: string) => `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
    expect(methodsOf('holdfast').toSorted()).toEqual([...OPERATION_NAMES, ...STREAM_NAMES].map(named).toSorted());
    for (const method of methodsOf('dtm'))
      expect(DTM_OPERATION_NAMES).toContain(`${method.charAt(0).toLowerCase()}${method.slice(1)}`);
    expect(Object.keys(DTM_REQUESTS).toSorted()).toEqual(DTM_OPERATION_NAMES.toSorted());
  });
});

describe.each([
  { requestReader: 'own', grpcServer: 'own' },
  { requestReader: 'node', grpcServer: 'grpc-js' },
] as const satisfies readonly Partial<ServerConfig>[])('a role ($requestReader, $grpcServer)', (readers) => {
  let server: GuardedServer;
  let issuer: TestIssuer;
  const tokens = new Map<Caller, string>();
  let dtm: GrpcClient;
  let holdfast: GrpcClient;

  beforeAll(async () => {
    issuer = await TestIssuer.start();
    const oidc = { oidcIssuer: issuer.url, oidcAudience: AUDIENCE };
    server = await GuardedServer.start({ branchTargets: ['127.0.0.1'], ...oidc, ...readers });
    for (const role of ROLES) {
      tokens.set(role, (await server.token(role)).token);
      tokens.set(`JWT ${role}`, await issuer.sign({ claims: { holdfast_roles: [role] } }));
    }
    dtm = new GrpcClient(server.running.grpcAddress);
    holdfast = new GrpcClient(server.running.grpcAddress, 'holdfast');
  });
  afterAll(async () => {
    dtm[Symbol.dispose]();
    holdfast[Symbol.dispose]();
    await server[Symbol.asyncDispose]();
    await issuer[Symbol.asyncDispose]();
  });

  type Verdict = 'unauthenticated' | 'forbidden' | 'allowed';

  const verdictOf = (caller: Caller, needed: Role): Verdict => {
    if (caller === undefined) return 'unauthenticated';
    return ROLES.indexOf(caller.replace('JWT ', '') as Role) >= ROLES.indexOf(needed) ? 'allowed' : 'forbidden';
  };
  const headersOf = (caller: Caller): Record<string, string> =>
    caller === undefined ? {} : bearer(tokens.get(caller) ?? '');
  const verdictOfStatus = (status: number): Verdict =>
    status === 401 ? 'unauthenticated' : status === 403 ? 'forbidden' : 'allowed';
  const verdictOfCode = (code: number): Verdict =>
    code === 16 ? 'unauthenticated' : code === 7 ? 'forbidden' : 'allowed';

  /** The verdict for each caller. */
  const table = async (request: (caller: Caller) => Promise<Verdict>): Promise<readonly Verdict[]> => {
    const verdicts: Verdict[] = [];
    for (const caller of CALLERS) verdicts.push(await request(caller));
    return verdicts;
  };
  const expected = (needed: Role): readonly Verdict[] => CALLERS.map((caller) => verdictOf(caller, needed));

  const roleOf = (name: DtmOperationName): Role => DTM_OPERATIONS[name].role;

  describe.each(Object.entries(DTM_REQUESTS))('dtm over REST, %s', (name, requests) => {
    it.each(requests)('$method $path', async ({ method, path, body }) => {
      const verdicts = await table(async (caller) =>
        verdictOfStatus((await server.request(method, path, body, headersOf(caller))).status),
      );
      expect(verdicts).toEqual(expected(roleOf(name as DtmOperationName)));
    });
  });

  describe.each(Object.entries(RPC_REQUESTS))('dtm over JSON-RPC, %s', (name, params) => {
    it('is rejected by its role', async () => {
      const verdicts = await table(async (caller) => {
        const body = { jsonrpc: '2.0', id: 1, method: name, params };
        const { status, json } = await server.request('POST', '/api/json-rpc', body, headersOf(caller));
        if (status === 401) return 'unauthenticated';
        const data = json.error?.data as { readonly code?: string } | undefined;
        return data?.code === 'forbidden' ? 'forbidden' : 'allowed';
      });
      expect(verdicts).toEqual(expected(roleOf(name as DtmOperationName)));
    });
  });

  describe.each(OPERATION_NAMES)('%s', (name: OperationName) => {
    const operation = operationOf(name);

    it('over /api/v1', async () => {
      let path: string = API_ROOT + operation.path;
      for (const field of pathFieldsOf(operation)) path = path.replace(`:${field}`, 'none');
      const body = operation.method === 'POST' || operation.method === 'PUT' ? {} : undefined;
      const verdicts = await table(async (caller) =>
        verdictOfStatus((await server.request(operation.method, path, body, headersOf(caller))).status),
      );
      expect(verdicts).toEqual(expected(operation.role));
    });

    it('over holdfast.v1', async () => {
      const method = holdfastService().operations[name].method;
      const verdicts = await table(async (caller) =>
        verdictOfCode((await holdfast.call(method, {}, { metadata: headersOf(caller) })).code),
      );
      expect(verdicts).toEqual(expected(operation.role));
    });
  });

  describe.each(methodsOf('dtm'))('dtmgimp.Dtm/%s', (method) => {
    it('is rejected by its role', async () => {
      const name = `${method.charAt(0).toLowerCase()}${method.slice(1)}` as DtmOperationName;
      const verdicts = await table(async (caller) =>
        verdictOfCode((await dtm.call(method, {}, { metadata: headersOf(caller) })).code),
      );
      expect(verdicts).toEqual(expected(roleOf(name)));
    });
  });

  describe.each(STREAM_NAMES)('the stream %s', (name) => {
    it('over holdfast.v1', async () => {
      const method = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
      const verdicts = await table(async (caller) =>
        verdictOfCode((await holdfast.call(method, {}, { metadata: headersOf(caller) })).code),
      );
      expect(verdicts).toEqual(expected(streamOf(name).role));
    });
  });

  describe('what is not an operation', () => {
    it.each(['/openapi.json', '/api/metrics'])('GET %s is served to every role, with a token', async (path) => {
      const verdicts = await table(async (caller) =>
        verdictOfStatus((await server.request('GET', path, undefined, headersOf(caller))).status),
      );
      expect(verdicts).toEqual(expected('viewer'));
    });

    it.each(['/healthz', '/readyz', '/api/ping'])('GET %s is served without a token', async (path) => {
      for (const caller of CALLERS)
        expect((await server.request('GET', path, undefined, headersOf(caller))).status).toBe(200);
    });
  });
  describe('an operator action', () => {
    it('that the code of a transaction may also take needs only a submitter', async () => {
      const abort = async (caller: Role, by: string) =>
        (await server.request('POST', '/api/v1/transactions/none/abort', { by }, headersOf(caller))).status;
      expect([await abort('submitter', 'initiator'), await abort('submitter', 'operator')]).toEqual([404, 403]);
      expect([await abort('viewer', 'initiator'), await abort('operator', 'operator')]).toEqual([403, 404]);
    });
  });

  describe('a viewer', () => {
    it('reads a transaction without payloads and without the result of its workflow', async () => {
      const submitter = headersOf('submitter');
      const callbackUrl = 'http://127.0.0.1:1/w';
      const workflow = {
        gid: 'w',
        pattern: 'workflow',
        workflow: { name: 'w', input: 'secret-in' },
        queryPrepared: callbackUrl,
      };
      expect((await server.request('POST', '/api/v1/transactions', workflow, submitter)).status).toBe(200);
      const end = { status: 'succeed', result: Buffer.from('"secret-out"').toString('base64') };
      await server.request('POST', '/api/v1/transactions/w/finish', end, submitter);
      const read = async (caller: Role) =>
        (await server.request('GET', '/api/v1/transactions/w', undefined, headersOf(caller))).text;
      expect(await read('submitter')).toContain(end.result);
      expect(await read('viewer')).not.toContain(end.result);
      expect(await read('viewer')).not.toContain('secret-in');
      const waited = await server.request('GET', '/api/v1/transactions/w?waitMs=10', undefined, headersOf('viewer'));
      expect(waited.text).not.toContain(end.result);
      // A watch of the caller that may read the result does not reveal it to the other one.
      const watched = async (caller: Role) => {
        const client = watchClient(server.running.grpcAddress);
        const watching = new Watching(client, [{ gid: 'w' }], { metadata: headersOf(caller) });
        await watching.ended;
        client.close();
        return watching.received.map(({ status, result }) => [status, result]);
      };
      expect(await watched('submitter')).toEqual([['succeed', end.result]]);
      expect(await watched('viewer')).toEqual([['succeed', '']]);
    });
  });
});
