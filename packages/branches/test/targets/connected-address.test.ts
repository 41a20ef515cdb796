import dns from 'node:dns';
import {
  BranchRouter,
  BranchTargets,
  ConnectionPools,
  createBranchRegistry,
  type HttpEnvironment,
  LocalBranches,
  machine,
  type TargetRules,
  undiciClient,
} from '@holdfast/branches';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseHosts } from '../../src/names/hosts-file.ts';
import { parseResolverConfig } from '../../src/names/resolver-config.ts';
import { type ResolveName, resolverLookup, systemLookup } from '../../src/names/resolve-name.ts';
import { DnsServer } from '../support/dns-server.ts';
import { Listener } from '../support/listeners.ts';
import { branchRequest } from '../support/requests.ts';

/** Longer than addresses are cached. */
const LATER_MS = 60_000;
const NAME = 'stock.rebind.example';
/** The allowed address is another one of this machine than the address that must not be reached. */
const RULES = ['*.rebind.example in 127.0.0.2'];

let dnsServer: DnsServer;
let inside: Listener;
let outside: Listener;
let routers: BranchRouter[] = [];
let aheadMs = 0;

const environment: HttpEnvironment = {
  ...machine,
  clock: { ...machine.clock, monotonicMs: () => performance.now() + aheadMs },
};

beforeEach(async () => {
  dnsServer = await DnsServer.start({ [NAME]: ['127.0.0.2'] });
  outside = await Listener.at('127.0.0.2');
  inside = await Listener.at('127.0.0.1', outside.port);
  aheadMs = 0;
});
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(routers.map((router) => router.close()));
  routers = [];
  for (const server of [dnsServer, inside, outside]) await server[Symbol.asyncDispose]();
});

/** Resolves as `--name-lookup own`, by the test's DNS server. */
const ownLookup = (): ResolveName =>
  resolverLookup(systemLookup(), { hosts: { value: parseHosts('') }, config: { value: parseResolverConfig('') } }, [
    dnsServer.address,
  ]);

/** Resolves as `--name-lookup system`; getaddrinfo itself finds what the DNS server would. */
function systemLookupOf(): ResolveName {
  vi.spyOn(dns.promises, 'lookup').mockImplementation((async (name: string) =>
    (dnsServer.zone[name] ?? []).map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))) as never);
  return systemLookup();
}

async function routerOf(
  rules: TargetRules | BranchTargets,
  resolve: ResolveName = ownLookup(),
  client: 'own' | 'undici' = 'own',
): Promise<BranchRouter> {
  const connect = client === 'undici' ? { connectTo: await undiciClient() } : {};
  const targets = rules instanceof BranchTargets ? rules : new BranchTargets(rules, 'public');
  const pools = new ConnectionPools({ ...connect, environment, resolve, targets });
  const router = new BranchRouter(createBranchRegistry({ pools, locals: new LocalBranches() }));
  routers.push(router);
  return router;
}

describe.each(['own', 'system'] as const)('with the lookup %s, a name that moves to a forbidden address', (lookup) => {
  it.each(['own', 'undici'] as const)(
    'is called at the first address and not at the second, by the client %s',
    async (client) => {
      const router = await routerOf({ rules: RULES }, lookup === 'own' ? ownLookup() : systemLookupOf(), client);
      const call = () => router.call(branchRequest(`http://${NAME}:${outside.port}/`));
      expect(await call()).toMatchObject({ kind: 'SUCCESS' });
      dnsServer.zone = { [NAME]: ['127.0.0.1'] };
      aheadMs = LATER_MS;
      expect(await call()).toEqual({
        kind: 'UNKNOWN',
        reason: `not called: ${NAME} is at 127.0.0.1: 127.0.0.1 is in 127.0.0.0/8 (loopback), which no rule of branchTargets allows`,
      });
      expect([outside.connections, inside.connections]).toEqual([1, 0]);
    },
  );

  it.each([
    ['', 'grpc'],
    ['grpcs://', 'grpcs'],
    ['dns:///', 'grpc'],
    ['direct://', 'grpc'],
  ])('is not called over gRPC as %s', async (scheme) => {
    dnsServer.zone = { [NAME]: ['127.0.0.1'] };
    const router = await routerOf({ rules: RULES }, lookup === 'own' ? ownLookup() : systemLookupOf());
    const result = await router.call(
      branchRequest(`${scheme}${NAME}:${outside.port}/pkg.Service/Method`, { protocol: 'grpc' }),
    );
    expect(result).toEqual({
      kind: 'UNKNOWN',
      reason: `not called: ${NAME} is at 127.0.0.1: 127.0.0.1 is in 127.0.0.0/8 (loopback), which no rule of branchTargets allows`,
    });
    expect(inside.connections).toBe(0);
  });

  it('is called only at the address that is allowed, if it has both', async () => {
    dnsServer.zone = { [NAME]: ['127.0.0.1', '::1', '127.0.0.2'] };
    const router = await routerOf({ rules: RULES }, lookup === 'own' ? ownLookup() : systemLookupOf());
    const result = await router.call(branchRequest(`http://${NAME}:${outside.port}/`));
    expect(result).toMatchObject({ kind: 'SUCCESS' });
    expect([outside.connections, inside.connections]).toEqual([1, 0]);
  });
});

it('a resolver of another scheme finds servers, whose addresses are checked', async () => {
  const targets = new BranchTargets({ rules: ['grpc://127.0.0.2'] }, 'public');
  const resolver = {
    schemes: ['etcd'],
    faultOf: () => undefined,
    resolve: async () => [{ host: '127.0.0.1', port: inside.port }],
  };
  const pools = new ConnectionPools({ targets });
  const registry = createBranchRegistry({ pools, locals: new LocalBranches(), grpc: { resolvers: [resolver] } });
  const router = new BranchRouter(registry);
  routers.push(router);
  const url = 'etcd:///stock/pkg.Service/Method';
  expect(registry.admit(url, 'default', { protocol: 'grpc' }, 'network')).toBeUndefined();
  const result = await router.call(branchRequest(url, { protocol: 'grpc' }));
  expect(result.reason).toContain('127.0.0.1 is in 127.0.0.0/8 (loopback)');
  expect(inside.connections).toBe(0);
});

it.each(['own', 'undici'] as const)(
  'a redirect to a forbidden address is not followed by the client %s',
  async (client) => {
    const router = await routerOf({ rules: ['127.0.0.2'] }, ownLookup(), client);
    for (const status of [301, 302, 303, 307, 308]) {
      outside.response = `HTTP/1.1 ${status} Moved\r\nlocation: http://127.0.0.1:${inside.port}/\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`;
      const result = await router.call(branchRequest(`http://127.0.0.2:${outside.port}/`));
      expect(result).toMatchObject({ kind: 'UNKNOWN', reason: expect.stringContaining(`HTTP ${status}`) });
    }
    expect(inside.connections).toBe(0);
  },
);

describe('the rules of a namespace', () => {
  const rules = { rules: ['127.0.0.2', 'deny *:1'], namespaces: { bank: ['127.0.0.1'], none: ['deny *'] } };

  it('apply there instead of the general ones', async () => {
    const router = await routerOf(rules);
    const kinds = async (host: string, port = outside.port) =>
      Promise.all(
        ['default', 'bank', 'none'].map(
          async (namespace) => (await router.call(branchRequest(`http://${host}:${port}/`, { namespace }))).kind,
        ),
      );
    expect(await kinds('127.0.0.2')).toEqual(['SUCCESS', 'UNKNOWN', 'UNKNOWN']);
    expect(await kinds('127.0.0.1')).toEqual(['UNKNOWN', 'SUCCESS', 'UNKNOWN']);
    expect([outside.connections, inside.connections]).toEqual([1, 1]);
  });

  it('do not allow what the general ones deny', async () => {
    const targets = new BranchTargets(rules, 'public');
    const endpoint = { scheme: 'http', host: '127.0.0.1', port: 1 } as const;
    expect(targets.faultOf('bank', 'http://127.0.0.1:1', [endpoint])).toBe(
      'the rule "deny *:1" of branchTargets denies it',
    );
  });

  it('are not evaded by connections of another namespace', async () => {
    dnsServer.zone = { [NAME]: ['127.0.0.1'] };
    inside.keepsOpen = true;
    const router = await routerOf({ rules: RULES, namespaces: { bank: ['*.rebind.example in 127.0.0.1'] } });
    const call = (namespace: string) => router.call(branchRequest(`http://${NAME}:${inside.port}/`, { namespace }));
    expect(await call('bank')).toMatchObject({ kind: 'SUCCESS' });
    expect(await call('default')).toMatchObject({ kind: 'UNKNOWN' });
    expect(inside.connections).toBe(1);
  });
});

describe('rules that are replaced', () => {
  const url = () => `http://${NAME}:${outside.port}/`;

  it('apply to the next call, also if an open connection could be reused', async () => {
    outside.keepsOpen = true;
    const targets = new BranchTargets({ rules: RULES }, 'public');
    const router = await routerOf(targets);
    const call = () => router.call(branchRequest(url()));
    expect(await call()).toMatchObject({ kind: 'SUCCESS' });
    targets.replace({ rules: ['*.rebind.example'] });
    expect(await call()).toMatchObject({ kind: 'UNKNOWN', reason: expect.stringContaining('127.0.0.2') });
    targets.replace({ rules: ['*.other.example'] });
    expect(await call()).toEqual({
      kind: 'UNKNOWN',
      reason: `not called: no rule of branchTargets allows http://${NAME}:${outside.port}`,
    });
    targets.replace({ rules: RULES });
    expect(await call()).toMatchObject({ kind: 'SUCCESS' });
  });

  it('stay in use if the new ones are not valid', async () => {
    const targets = new BranchTargets({ rules: RULES }, 'public');
    const router = await routerOf(targets);
    expect(() => targets.replace({ rules: ['127.0.0.1', 'ftp://x'] })).toThrow('the rule "ftp://x"');
    expect(await router.call(branchRequest(url()))).toMatchObject({ kind: 'SUCCESS' });
    expect((await router.call(branchRequest(`http://127.0.0.1:${inside.port}/`))).kind).toBe('UNKNOWN');
  });
});
