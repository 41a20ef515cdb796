import { afterEach, describe, expect, it } from 'vitest';
import { BranchFailure, BranchOngoing } from '@holdfast/protocol';
import { type LocalCall, LocalBranches } from '@holdfast/branches';
import { always, BranchServer } from '@holdfast/testing/participant';
import { branchRequest, bytes } from './support/requests.ts';
import { branchRouter } from './support/routers.ts';

describe('the branch router', () => {
  const locals = new LocalBranches();
  const router = branchRouter(undefined, locals);
  afterEach(() => router.close());

  it('counts an empty URL as success without a call', async () => {
    expect(await router.call(branchRequest(''))).toEqual({ kind: 'SUCCESS', reason: '' });
  });

  it.each([
    [
      'etcd://registry/busi.Busi/TransIn',
      'cannot resolve etcd:// addresses; use host:port, dns:///host:port or direct://host:port,host:port',
    ],
    ['topic://orders', 'a topic can only be'],
    ['ftp://a/b', 'not a URL that can be called'],
    ['http://', 'not a URL that can be called'],
    ['nonsense', 'not a URL that can be called'],
  ])('rejects %s, and states why', async (url, reason) => {
    const result = await router.call(branchRequest(url, { protocol: 'grpc' }));
    expect(result.kind).toBe('UNKNOWN');
    expect(result.reason).toContain(reason);
  });

  it.each([
    ['http://Bank-A:80/debit?x=1', 'http://bank-a'],
    ['https://bank-a/debit', 'https://bank-a'],
    ['local://debit', 'local://debit'],
    ['127.0.0.1:58081/busi.Busi/TransIn', 'grpc://127.0.0.1:58081'],
    ['grpcs://Bank-A:443/busi.Busi/TransIn', 'grpcs://bank-a:443'],
    ['dns:///bank:443/busi.Busi/TransIn', 'dns:///bank:443'],
    ['', ''],
  ])('counts %s towards %s', (url, destination) => {
    expect(router.destinationOf(url)).toBe(destination);
  });
});

describe('a function of this process as a branch', () => {
  const locals = new LocalBranches();
  const router = branchRouter(undefined, locals);

  it('is given the call, and succeeds by returning', async () => {
    const calls: LocalCall[] = [];
    locals.register('debit', (call) => calls.push(call));
    const payload = bytes('{"amount":30}');
    const result = await router.call(branchRequest('local://debit', { payload, headers: { tenant: 'acme' } }));
    expect(result.kind).toBe('SUCCESS');
    expect(calls[0]).toMatchObject({
      gid: 'g1',
      pattern: 'saga',
      branchId: '01',
      op: 'action',
      headers: { tenant: 'acme' },
    });
    expect(calls[0]?.json()).toEqual({ amount: 30 });
  });

  it.each([
    ['BranchFailure', new BranchFailure('sold out'), { kind: 'FAILURE', reason: 'sold out' }],
    ['BranchOngoing', new BranchOngoing('packing'), { kind: 'ONGOING', reason: 'packing' }],
    ['any other error', new Error('FAILURE'), { kind: 'UNKNOWN', reason: 'FAILURE' }],
    ['something that is no error', 'oops', { kind: 'UNKNOWN', reason: 'oops' }],
  ])('a thrown %s has the result that its type states', async (name, thrown, result) => {
    locals.register(name, () => {
      throw thrown as Error;
    });
    expect(await router.call(branchRequest(`local://${name}`))).toEqual(result);
  });

  it('has an unknown result and an aborted signal when it takes too long', async () => {
    let signal: AbortSignal | undefined;
    locals.register('slow', (call) => {
      signal = call.signal;
      return new Promise(() => {});
    });
    const result = await router.call(branchRequest('local://slow', { timeoutMs: 20 }));
    expect(result).toEqual({ kind: 'UNKNOWN', reason: 'no response within 20 ms' });
    expect(signal?.aborted).toBe(true);
  });

  it('may be given longer than one timer of Node can wait', async () => {
    locals.register('patient', () => new Promise((resolve) => setImmediate(resolve)));
    const timeoutMs = 100 * 365 * 24 * 3_600_000;
    expect((await router.call(branchRequest('local://patient', { timeoutMs }))).kind).toBe('SUCCESS');
  });

  it('is unknown when it was never registered, or is not registered any more', async () => {
    locals.register('brief', () => {});
    locals.unregister('brief');
    expect((await router.call(branchRequest('local://brief'))).reason).toContain('no local branch named brief');
  });

  it('cannot be registered twice', () => {
    locals.register('twice', () => {});
    expect(() => locals.register('twice', () => {})).toThrow('registered already');
  });
});

describe('a JSON-RPC branch', () => {
  const responseWith = (response: object) => JSON.stringify({ jsonrpc: '2.0', id: 'x', ...response });

  async function callWith(body: string, payload: string, path = '/rpc?method=Debit') {
    await using server = await BranchServer.start(always(200, body));
    const router = branchRouter();
    const result = await router.call(
      branchRequest(server.url + path, { protocol: 'json-rpc', payload: bytes(payload) }),
    );
    await router.close();
    return { result, seen: server.seen };
  }

  it('gets the payload fields and the coordinates as params of the method that its URL names', async () => {
    const { result, seen } = await callWith(
      responseWith({ result: 'ok' }),
      ' {"amount":12345678901234567890, "gid":"forged"} ',
    );
    expect(result.kind).toBe('SUCCESS');
    expect(seen[0]?.method).toBe('POST');
    expect(seen[0]?.url.search).toBe('?method=Debit');
    expect(seen[0]?.body).toContain('12345678901234567890');
    // A reader that takes the first of two members must not find another's.
    expect(seen[0]?.body).not.toContain('forged');
    expect(JSON.parse(seen[0]?.body ?? '')).toEqual({
      jsonrpc: '2.0',
      id: 'g1-01-action',
      method: 'Debit',
      params: { amount: 1.2345678901234567e19, gid: 'g1', trans_type: 'saga', branch_id: '01', op: 'action' },
    });
  });

  it.each(['', 'null', '{}', ' { } '])('gets the coordinates alone when the payload is %j', async (payload) => {
    const { seen } = await callWith(responseWith({ result: 'ok' }), payload);
    expect(JSON.parse(seen[0]?.body ?? '')).toMatchObject({
      params: { gid: 'g1', trans_type: 'saga', branch_id: '01', op: 'action' },
    });
  });

  it.each(['[1]', '7', '"text"', 'no json'])(
    'is not called with the payload %j, which has no fields',
    async (payload) => {
      const { result, seen } = await callWith(responseWith({ result: 'ok' }), payload);
      const reason = 'the payload of a JSON-RPC branch must be a JSON object';
      expect(result).toEqual({ kind: 'UNKNOWN', reason, uncallable: true });
      expect(seen).toEqual([]);
    },
  );

  it.each([
    [responseWith({ error: { code: -32901, message: 'sold out' } }), 'FAILURE'],
    [responseWith({ error: { code: -32902, message: 'packing' } }), 'ONGOING'],
    [responseWith({ error: { code: -32603, message: 'FAILURE' } }), 'UNKNOWN'],
    ['', 'UNKNOWN'],
  ])('a response of %s means %s', async (body, kind) => {
    expect((await callWith(body, '{}')).result.kind).toBe(kind);
  });

  it('is called like any other over HTTP when its URL names no method', async () => {
    const { seen } = await callWith('', '{"amount":30}', '/rpc');
    expect(seen[0]?.body).toBe('{"amount":30}');
    expect(seen[0]?.url.searchParams.get('gid')).toBe('g1');
  });
});
