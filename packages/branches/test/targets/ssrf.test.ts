import {
  type BranchClient,
  type BranchRegistry,
  BranchRouter,
  BranchTargets,
  ConnectionPools,
  createBranchRegistry,
  LocalBranches,
  undiciClient,
} from '@holdfast/branches';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { GrpcParticipant } from '@holdfast/testing/grpc-participant';
import { Listener } from '../support/listeners.ts';
import { branchRequest } from '../support/requests.ts';

/** Each with the URL of a host and port. */
const PROTOCOLS = {
  http: { stated: 'http', url: (host: string, port: number) => `http://${host}:${port}/x` },
  'json-rpc': { stated: 'json-rpc', url: (host: string, port: number) => `http://${host}:${port}/x?method=m` },
  https: { stated: 'http', url: (host: string, port: number) => `https://${host}:${port}/x` },
  grpc: { stated: 'grpc', url: (host: string, port: number) => `${host}:${port}/pkg.Service/Method` },
  'grpc://': { stated: 'http', url: (host: string, port: number) => `grpc://${host}:${port}/pkg.Service/Method` },
  'grpcs://': { stated: 'http', url: (host: string, port: number) => `grpcs://${host}:${port}/pkg.Service/Method` },
  'dns:///': { stated: 'grpc', url: (host: string, port: number) => `dns:///${host}:${port}/pkg.Service/Method` },
  'direct://': {
    stated: 'grpc',
    url: (host: string, port: number) => `direct://${host}:${port},${host}:${port}/pkg.Service/Method`,
  },
} as const;

/** Spellings of this machine. */
const LOOPBACK = [
  '127.0.0.1',
  '127.1',
  '127.0.1',
  '127.255.255.254',
  '0x7f.1',
  '0x7F.0x0.0x0.0x1',
  '0x7f000001',
  '2130706433',
  '017700000001',
  '0177.0.0.1',
  '0177.0x0.1',
  '127.0.0.1.',
  '%31%32%37.0.0.1',
  '１２７.０.０.１',
  '①②⑦.0.0.1',
  '127。0。0。1',
  '0',
  '0.0.0.0',
  '[::]',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[0000::0001]',
  '[::ffff:127.0.0.1]',
  '[::FFFF:7f00:1]',
  '[0:0:0:0:0:ffff:7f00:1]',
  'localhost',
  'LOCALHOST',
  'localhost.',
  'ｌｏｃａｌｈｏｓｔ',
  '%6c%6f%63alhost',
  'a.localhost',
  'good.example@127.0.0.1',
  'good.example:80@127.1',
  '0177.1',
  '0000177.0x0.00.1',
  '0x7F000001.',
  '00',
  '0x0',
  '127.0.0.1%2e',
  '%30x7f.1',
  '127%E3%80%820.0.1',
  '127．0．0．1',
  '127｡0｡0｡1',
  '𝟏𝟐𝟕.𝟎.𝟎.𝟏',
  '127.0.0.\u00AD1',
  'local\u200Bhost',
  'ⓛⓞⓒⓐⓛⓗⓞⓢⓣ',
  '[::ffff:7F00:0001]',
  '[0:0::0:1]',
];

/** Addresses that lead into networks of the operator, to clouds' credentials, or nowhere. */
const SPECIAL = [
  '10.0.0.1',
  '012.1',
  '0xa.1',
  '172.16.0.1',
  '192.168.1.1',
  '3232235777',
  '100.64.0.1',
  '100.100.100.200',
  '168.63.129.16',
  '169.254.1.1',
  '169.254.169.254',
  '0xa9fea9fe',
  '2852039166',
  '0251.0376.0251.0376',
  '[::ffff:169.254.169.254]',
  '[::ffff:a9fe:a9fe]',
  '[::169.254.169.254]',
  '①⑥⑨.②⑤④.①⑥⑨.②⑤④',
  '169。254。169。254',
  '169.254.43518',
  '0xa9.0xfe.0xa9.0xfe',
  '169.254.169.254.',
  '[::127.0.0.1]',
  '[::7f00:1]',
  '[64:ff9b::10.0.0.1]',
  '[64:ff9b:1:2:3:4:7f00:1]',
  '[2002:a9fe:a9fe::1]',
  '[2001:0:0:0:0:0:80ff:fffe]',
  '[::ffff:0:169.254.169.254]',
  '[64:ff9b::169.254.169.254]',
  '[64:ff9b::7f00:1]',
  '[64:ff9b:1::7f00:1]',
  '[2002:7f00:1::]',
  '[2001:0:7f00:1::]',
  '[fd00:ec2::254]',
  '[fd20:ce::254]',
  '[fc00::1]',
  '[fe80::1]',
  '[fec0::1]',
  '[ff02::1]',
  '224.0.0.1',
  '239.255.255.250',
  '240.0.0.1',
  '255.255.255.255',
  '192.0.2.1',
  '198.18.0.1',
  '[2001:db8::1]',
  '[4000::1]',
];

/** Whole URLs that may be read as those of another host; PORT is replaced. */
const TRICKS = [
  'http://127.0.0.1:PORT#@good.example/',
  'http://127.0.0.1:PORT\\@good.example/',
  'http://127.0.0.1:PORT?@good.example/',
  'http://good.example@127.0.0.1:PORT/',
  'http://good.example%40127.0.0.1:PORT/',
  'http:///127.0.0.1:PORT/',
  'http://\\127.0.0.1:PORT/',
  'HTTP://127.0.0.1:PORT/',
  'http://127.0.0.1:0PORT/',
  'http://127.0.0.1\t:PORT/',
  'http://127.0.0.1%00:PORT/',
  'http://[::1%25lo]:PORT/',
  'http://[fe80::1%25eth0]:PORT/',
  'unix:///run/app.sock/pkg.Service/Method',
  'passthrough:///127.0.0.1:PORT/pkg.Service/Method',
  'xds:///127.0.0.1:PORT/pkg.Service/Method',
  'good.example@127.0.0.1:PORT/pkg.Service/Method',
  'grpc://[::1%lo]:PORT/pkg.Service/Method',
  'direct://good.example:443,127.0.0.1:PORT/pkg.Service/Method',
  'dns://127.0.0.1:53/good.example:PORT/pkg.Service/Method',
  'dns:127.0.0.1:PORT/pkg.Service/Method',
  'dns:/127.0.0.1:PORT/pkg.Service/Method',
  'dns:////127.0.0.1:PORT/pkg.Service/Method',
  'direct:///127.0.0.1:PORT/pkg.Service/Method',
  'direct://,127.0.0.1:PORT/pkg.Service/Method',
  'ipv4:127.0.0.1:PORT/pkg.Service/Method',
  'ipv4:///127.0.0.1:PORT/pkg.Service/Method',
  'ipv6:[::1]:PORT/pkg.Service/Method',
  'unix:/run/app.sock/pkg.Service/Method',
  'unix-abstract:app/pkg.Service/Method',
  'vsock:1:PORT/pkg.Service/Method',
  'passthrough:127.0.0.1:PORT/pkg.Service/Method',
  'grpc://good.example:443@127.0.0.1:PORT/pkg.Service/Method',
  'grpc://good.example%40127.0.0.1:PORT/pkg.Service/Method',
  'grpc://good.example#@127.0.0.1:PORT/pkg.Service/Method',
  'GRPC://127.0.0.1:PORT/pkg.Service/Method',
  'grpcs:127.0.0.1:PORT/pkg.Service/Method',
  'http:127.0.0.1:PORT/',
  'http:/127.0.0.1:PORT/',
  'http:\\\\127.0.0.1:PORT/',
  ' http://127.0.0.1:PORT/',
  '\u0000http://127.0.0.1:PORT/',
  'ht\ntp://127.0.0.1:PORT/',
  'http://good.example\r\nhost: 127.0.0.1:PORT/',
  'http://127.0.0.1:PORT:80/',
  'http://[::ffff:127.0.0.1%25lo]:PORT/',
  'http://[::1]good.example:PORT/',
  'file:///127.0.0.1:PORT/',
  'ws://127.0.0.1:PORT/',
  'http+unix://127.0.0.1:PORT/',
  '//127.0.0.1:PORT/',
];

interface Caller {
  readonly registry: BranchRegistry;
  readonly router: BranchRouter;
}

let open: Caller[] = [];

async function caller(targets: BranchTargets, client: BranchClient = 'own'): Promise<Caller> {
  const connect = client === 'undici' ? { connectTo: await undiciClient() } : {};
  const registry = createBranchRegistry({
    pools: new ConnectionPools({ ...connect, targets }),
    locals: new LocalBranches(),
  });
  const made = { registry, router: new BranchRouter(registry) };
  open.push(made);
  return made;
}

/** Listens at every address of this machine. */
let machine: Listener;
beforeAll(async () => {
  machine = await Listener.at('::');
});
afterAll(() => machine[Symbol.asyncDispose]());
afterEach(async () => {
  await Promise.all(open.map(({ router }) => router.close()));
  open = [];
});

describe.each(['own', 'undici'] as const)('with the client %s', (client) => {
  describe.each(Object.entries(PROTOCOLS))('over %s', (_, { stated, url }) => {
    it.each([...LOOPBACK, ...SPECIAL])('%s is rejected at submission, and no call reaches it', async (host) => {
      const { registry, router } = await caller(new BranchTargets({}, 'public'), client);
      const before = machine.connections;
      const target = url(host, machine.port);
      expect(registry.admit(target, 'default', { gid: 'g', protocol: stated }, 'network')).toBeTypeOf('string');
      // A transaction that is older than the rules, or was imported.
      const result = await router.call(branchRequest(target, { protocol: stated, timeoutMs: 3_000 }));
      expect(result.kind).toBe('UNKNOWN');
      expect(result.reason).not.toContain('no response');
      expect(machine.connections).toBe(before);
    });
  });

  it.each(TRICKS)('%s reaches no address of this machine', async (form) => {
    const { registry, router } = await caller(new BranchTargets({ rules: ['good.example'] }, 'public'), client);
    const before = machine.connections;
    const target = form.replace('PORT', String(machine.port));
    expect(registry.admit(target, 'default', { gid: 'g' }, 'network')).toBeTypeOf('string');
    const result = await router.call(branchRequest(target, { timeoutMs: 3_000 }));
    expect(result.kind).toBe('UNKNOWN');
    expect(machine.connections).toBe(before);
  });

  it.each(LOOPBACK)('%s is called if a rule allows it', async (host) => {
    const rules = ['127.0.0.0/8', '::1', '0.0.0.0', '::'];
    const { registry, router } = await caller(new BranchTargets({ rules }, 'public'), client);
    const target = PROTOCOLS.http.url(host, machine.port);
    expect(registry.admit(target, 'default', { gid: 'g' }, 'network')).toBeUndefined();
    expect(await router.call(branchRequest(target))).toMatchObject({ kind: 'SUCCESS' });
  });
});

it.each(LOOPBACK)('%s is called over gRPC if a rule allows it', async (host) => {
  await using participant = await GrpcParticipant.start('[::]');
  const rules = ['127.0.0.0/8', '::1', '0.0.0.0', '::'];
  const { registry, router } = await caller(new BranchTargets({ rules }, 'public'));
  const target = `${host}:${participant.port}/busi.Busi/TransIn`;
  expect(registry.admit(target, 'default', { gid: 'g', protocol: 'grpc' }, 'network')).toBeUndefined();
  expect(await router.call(branchRequest(target, { protocol: 'grpc' }))).toMatchObject({ kind: 'SUCCESS' });
  expect(participant.seen).toHaveLength(1);
});

it('without rules and without authentication every target is called', async () => {
  const { registry, router } = await caller(new BranchTargets());
  const target = `http://127.1:${machine.port}/`;
  expect(registry.admit(target, 'default', { gid: 'g' }, 'network')).toBeUndefined();
  expect(await router.call(branchRequest(target))).toMatchObject({ kind: 'SUCCESS' });
});
