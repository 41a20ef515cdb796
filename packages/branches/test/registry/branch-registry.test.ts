import { describe, expect, it, vi } from 'vitest';
import * as fc from 'fast-check';
import { branchResult, SUCCESS } from '@holdfast/protocol';
import {
  type BranchInterceptor,
  type BranchProtocol,
  BranchRegistry,
  BranchRouter,
  ConnectionPools,
  createBranchRegistry,
  LocalBranches,
} from '@holdfast/branches';
import { branchRequest } from '../support/requests.ts';

const pools = new ConnectionPools();
const locals = new LocalBranches();
locals.register('debit', () => undefined);
const registry = createBranchRegistry({ pools, locals });

const protocolOf = (url: string): string => registry.of(url).protocol.name;

describe('a branch URL', () => {
  it('that is http keeps its own path and query as they are', () => {
    expect(registry.of('http://bank:8080/a%20b?x=1&method=Debit#part').target).toEqual({
      destination: 'http://bank:8080',
      endpoints: [{ scheme: 'http', host: 'bank', port: 8080 }],
      host: 'bank:8080',
      path: '/a%20b?x=1&method=Debit',
      pathPrefix: '/a%20b?x=1&method=Debit&',
      rpcMethod: 'Debit',
      coordinates: [],
      authorization: '',
    });
    expect(registry.of('HTTPS://bank').target).toMatchObject({ destination: 'https://bank', pathPrefix: '/?' });
  });

  it.each([
    ['local://debit', 'local'],
    ['topic://orders', 'topic'],
    ['localhost:50001/busi.Busi/TransIn', 'grpc'],
    ['etcd://registry/busi.Busi/TransIn', 'grpc'],
    ['dns:///bank:50001/busi.Busi/TransIn', 'grpc'],
    ['/a/b/c', 'malformed'],
    ['http://[', 'malformed'],
    ['bank/debit', 'malformed'],
    ['/debit', 'malformed'],
  ])('%s is %s', (url, name) => {
    expect(protocolOf(url)).toBe(name);
  });

  it('with a method is called over JSON-RPC only if the transaction states that protocol', () => {
    const url = 'http://bank/rpc?method=Debit';
    expect(registry.of(url, 'json-rpc').protocol.name).toBe('json-rpc');
    expect(registry.of(url, 'http').protocol.name).toBe('http');
    expect(registry.of(url, 'grpc').protocol.name).toBe('http');
    expect(registry.of('http://bank/rpc', 'json-rpc').protocol.name).toBe('http');
    expect(registry.of(url, 'json-rpc').target.destination).toBe(registry.destinationOf(url));
  });

  it('of any kind is parsed without an exception', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webUrl(),
          fc.string().map((text) => `http://${text}`),
        ),
        (url) => {
          expect(typeof protocolOf(url)).toBe('string');
        },
      ),
    );
  });
});

describe('the cache of routes', () => {
  const protocols = [pingOver([])];

  it('returns the same object for the same URL', () => {
    expect(registry.of('http://a/x')).toBe(registry.of('http://a/x'));
  });

  it('keeps recently used routes and parses each of them once', () => {
    const parse = vi.spyOn(protocols[0] as BranchProtocol, 'parse');
    const small = new BranchRegistry({ protocols, cacheSize: 100 });
    const used = small.of('ping://used');
    for (let index = 0; index < 1_000; index++) {
      small.of(`ping://${index}`);
      expect(small.of('ping://used')).toBe(used);
    }
    expect(parse).toHaveBeenCalledTimes(1_001);
    small.of('ping://0');
    expect(parse).toHaveBeenCalledTimes(1_002);
  });
});

describe('admission', () => {
  it.each([
    ['http://bank/debit', {}, 'network', undefined],
    ['http://bank/debit?gid=g1', { gid: 'g1' }, 'network', undefined],
    ['http://bank/debit?gid=g2', { gid: 'g1' }, 'network', 'its query must not have'],
    ['http://bank/debit?method=Debit&op=x', { gid: 'g1', protocol: 'json-rpc' }, 'network', 'rename op'],
    ['local://debit', {}, 'network', 'cannot be named over the network'],
    ['local://debit', {}, 'process', undefined],
    ['local://credit', {}, 'process', 'no branch of that name'],
    ['topic://orders', {}, 'network', "only the action of a message's step can be a topic"],
    ['bank:1/a.B/C', {}, 'network', undefined],
    ['bank/a.B/C', {}, 'network', 'must have a host and a port'],
    ['bank:70000/a.B/C', {}, 'network', 'must have a host and a port'],
    ['[::1]:1/a.B/C', {}, 'network', undefined],
    ['bank:8080/pay/now', {}, 'network', 'write http:// in front'],
    ['bank:8080/pay/now', { protocol: 'grpc' }, 'network', undefined],
    ['grpc://bank:8080/pay/now', {}, 'network', undefined],
    ['bank:8080/pay/now-1', {}, 'network', 'neither an http:// or https:// URL nor the gRPC method'],
    ['bank:1/a.B/C', { gid: 'ü' }, 'network', 'gRPC cannot carry the gid'],
    ['bank:1/a.B/C', { gid: ' order 1' }, 'network', 'gRPC cannot carry the gid'],
    ['bank:1/a.B/C', { gid: 'order 1 ' }, 'network', 'gRPC cannot carry the gid'],
    ['bank:1/a.B/C', { workflowName: 'größe' }, 'network', "gRPC cannot carry the workflow's name"],
    ['bank:1/a.B/C', { workflowName: 'transfer ' }, 'network', "gRPC cannot carry the workflow's name"],
    ['http://bank/callback', { workflowName: 'größe' }, 'network', undefined],
    ['bank:1/a.B/C', { branchId: 'größe' }, 'network', 'gRPC cannot carry the branch ID'],
    ['bank:1/a.B/C', { options: { branchHeaders: { 'X-Name': 'Müller' } } }, 'network', 'value of x-name must be'],
    ['bank:1/a.B/C', { options: { branchHeaders: { 'a!': '' } } }, 'network', 'name "a!" has characters'],
    ['bank:1/a.B/C', { options: { branchHeaders: { te: 'ü', 'x-name': 'Ana' } } }, 'network', undefined],
    ['http://bank/pay', { options: { branchHeaders: { 'x-name': 'Müller' } } }, 'network', undefined],
    ['dns:///bank:1/a.B/C', {}, 'network', undefined],
    ['dns://8.8.8.8/bank:1/a.B/C', {}, 'network', 'must be dns:///host:port'],
    ['direct://a:1,b/a.B/C', {}, 'network', 'must be direct://host:port,host:port'],
    ['etcd://registry/a.B/C', {}, 'network', 'cannot resolve etcd:// addresses'],
    ['nonsense', { protocol: 'grpc' }, 'network', 'neither host:port/package.Service/Method nor'],
    ['nonsense', {}, 'network', 'neither host:port/package.Service/Method nor an http:// or https:// URL'],
  ] as const)('of %s for %j from the %s: %s', (url, context, origin, fault) => {
    const result = registry.admit(url, 'default', context, origin);
    if (fault === undefined) expect(result).toBeUndefined();
    else expect(result).toContain(fault);
  });
});

describe('a further protocol', () => {
  it('is admitted, limited per destination and called without a change elsewhere', async () => {
    const seen: string[] = [];
    const withPing = createBranchRegistry({ pools: new ConnectionPools(), locals, protocols: [pingOver(seen)] });
    const router = new BranchRouter(withPing);
    expect(withPing.admit('ping://bank', 'default', {}, 'network')).toBeUndefined();
    expect(router.destinationOf('ping://bank')).toBe('bank');
    expect(await router.call(branchRequest('ping://bank'))).toEqual(SUCCESS);
    expect((await router.call(branchRequest('pong://bank'))).kind).toBe('UNKNOWN');
    await router.close();
    expect(seen).toEqual(['call bank', 'close']);
  });
});

describe('interceptors', () => {
  const naming =
    (name: string, seen: string[]): BranchInterceptor =>
    (next) =>
    async (request, target) => {
      seen.push(`${name} before`);
      const result = await next(request, target);
      seen.push(`${name} after`);
      return result;
    };

  it('are around each call, the first one outermost, and are composed once', async () => {
    const seen: string[] = [];
    const composed = vi.fn(naming('outer', seen));
    const router = new BranchRouter(
      new BranchRegistry({ protocols: [pingOver(seen)], interceptors: [composed, naming('inner', seen)] }),
    );
    await router.call(branchRequest('ping://bank'));
    expect(seen).toEqual(['outer before', 'inner before', 'call bank', 'inner after', 'outer after']);
    await router.call(branchRequest('ping://shop'));
    expect(composed).toHaveBeenCalledTimes(1);
  });

  it('may end a call themselves, such as for a destination that is not allowed', async () => {
    const seen: string[] = [];
    const allowList: BranchInterceptor = (next) => (request, target) =>
      target.destination === 'bank'
        ? next(request, target)
        : Promise.resolve(branchResult('UNKNOWN', `${target.destination} is not allowed`));
    const router = new BranchRouter(new BranchRegistry({ protocols: [pingOver(seen)], interceptors: [allowList] }));
    expect((await router.call(branchRequest('ping://evil'))).reason).toBe('evil is not allowed');
    expect((await router.call(branchRequest('ping://bank'))).kind).toBe('SUCCESS');
    expect(seen).toEqual(['call bank']);
  });

  it('that add a secret to a request do not reveal it when the participant echoes it', async () => {
    const echo: BranchProtocol = {
      ...pingOver([]),
      call: ({ headers }) => Promise.resolve(branchResult('UNKNOWN', `got ${headers['authorization']}`)),
    };
    const signing: BranchInterceptor = (next) => (request, target) =>
      next({ ...request, headers: { ...request.headers, authorization: 'Bearer c2VjcmV0LXNpZ24' } }, target);
    const router = new BranchRouter(
      createBranchRegistry({ pools: new ConnectionPools(), locals, protocols: [echo], interceptors: [signing] }),
    );
    expect((await router.call(branchRequest('ping://bank'))).reason).not.toContain('c2VjcmV0LXNpZ24');
    await router.close();
  });
});

/** A protocol for tests, which records its calls. */
function pingOver(seen: string[]): BranchProtocol {
  return {
    name: 'ping',
    matches: (url) => url.startsWith('ping://'),
    parse: (url) => ({ destination: url.slice('ping://'.length) }),
    call: (_request, { destination }) => {
      seen.push(`call ${destination}`);
      return Promise.resolve(SUCCESS);
    },
    close: () => {
      seen.push('close');
      return Promise.resolve();
    },
  };
}
