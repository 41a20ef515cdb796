import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseHosts } from '../../src/names/hosts-file.ts';
import { type ResolveName, resolverLookup, systemLookup } from '../../src/names/resolve-name.ts';
import { candidatesOf, parseResolverConfig } from '../../src/names/resolver-config.ts';
import { DnsServer } from '../support/dns-server.ts';

describe('the name of a host', () => {
  let dns: DnsServer;
  const fallen: string[] = [];
  const fallback: ResolveName = (name) => {
    fallen.push(name);
    return { result: Promise.reject(Object.assign(new Error('none'), { code: 'ENOTFOUND' })), cancel: () => {} };
  };

  beforeEach(async () => {
    dns = await DnsServer.start({});
    fallen.length = 0;
  });
  afterEach(() => dns[Symbol.asyncDispose]());

  const lookUp = (name: string, config = '', hosts = '', otherwise = fallback) =>
    resolverLookup(otherwise, { hosts: { value: parseHosts(hosts) }, config: { value: parseResolverConfig(config) } }, [
      dns.address,
    ])(name);
  const addressesOf = async (...parameters: Parameters<typeof lookUp>): Promise<readonly string[]> =>
    (await lookUp(...parameters).result).addresses;

  it('has the addresses of both families', async () => {
    dns.zone = { 'bank.example': ['10.0.0.1', '10.0.0.2', '::7'] };
    expect((await addressesOf('bank.example')).toSorted()).toEqual(['10.0.0.1', '10.0.0.2', '::7']);
    expect((await lookUp('bank.example').result).keepMs).toBe(60_000);
  });

  it('is resolved from the hosts file before DNS is queried', async () => {
    expect(await addressesOf('Bank', '', '10.1.1.1 other bank # not this\n::1 bank\n')).toEqual(['10.1.1.1', '::1']);
    expect(dns.queried).toEqual([]);
  });

  it('is this machine when it is localhost', async () => {
    expect(await addressesOf('localhost')).toEqual(['127.0.0.1', '::1']);
    expect(await addressesOf('a.localhost')).toEqual(['127.0.0.1', '::1']);
    expect(dns.queried).toEqual([]);
  });

  it('is completed by the search list as in Kubernetes', async () => {
    dns.zone = { 'bank.shop.svc.cluster.local': ['10.0.0.3'] };
    const config = 'search shop.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n';
    expect(await addressesOf('bank', config)).toEqual(['10.0.0.3']);
    expect(await addressesOf('bank.shop', config)).toEqual(['10.0.0.3']);
    expect(dns.queried).toContain('A bank.shop.shop.svc.cluster.local');
    expect(dns.queried).not.toContain('A bank');
  });

  it('is looked up otherwise when neither the hosts file nor DNS has it', async () => {
    await expect(addressesOf('printer.local')).rejects.toThrow('none');
    expect(fallen).toEqual(['printer.local']);
  });

  it('that DNS does not respond to delays no other name, and is not looked up otherwise when cancelled', async () => {
    dns.zone = { 'slow.example': undefined, 'other.example': undefined, 'quick.example': ['10.0.0.1'] };
    const slow = [lookUp('slow.example'), lookUp('other.example')];
    const failures = slow.map(({ result }) => result.catch((error: Error) => error));
    expect(await addressesOf('quick.example')).toEqual(['10.0.0.1']);
    for (const lookup of slow) lookup.cancel();
    for (const failure of await Promise.all(failures)) expect(failure).toBeInstanceOf(Error);
    expect(fallen).toEqual([]);
  });

  it('is looked up one at a time by getaddrinfo, and not at all when cancelled while it waits', async () => {
    const system = systemLookup();
    const [first, second] = [system('localhost'), system('localhost')];
    second.cancel();
    expect((await first.result).addresses.length).toBeGreaterThan(0);
    await expect(second.result).rejects.toThrow('cancelled');
  });

  it('has the addresses that getaddrinfo finds', async () => {
    const [own, system] = [resolverLookup(systemLookup()), systemLookup()];
    const known = (await system('localhost').result).addresses;
    expect((await own('localhost').result).addresses).toEqual(expect.arrayContaining([...known]));
  });
});

describe('the complete names for a name', () => {
  const config = parseResolverConfig(
    '# c\ndomain ignored\nsearch a.example b.example. . # c\noptions rotate ndots:2\n',
  );
  it.each([
    ['x', ['x.a.example', 'x.b.example', 'x']],
    ['x.y', ['x.y.a.example', 'x.y.b.example', 'x.y']],
    ['x.y.z', ['x.y.z', 'x.y.z.a.example', 'x.y.z.b.example']],
    ['x.', ['x.']],
  ])('%s are %j', (name, names) => {
    expect(candidatesOf(name, config)).toEqual(names);
  });
});
