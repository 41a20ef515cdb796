import { startServer } from '@holdfast/server';
import { GrpcParticipant } from '@holdfast/testing/grpc-participant';
import { always, Participants } from '@holdfast/testing/participants';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BranchFailure, type ConnectOptions, connect, type Holdfast } from '../src/index.ts';

const SECRET = 'p4rtner/token+"of\\bank';
const branchHeaders = { authorization: 'Bearer secret:bank', 'x-partner': 'secret:bank' };

/** A coordinator with the secret `bank`, a client of it, and participants over HTTP and gRPC. */
async function world(transport: 'http' | 'grpc', options: ConnectOptions = {}) {
  const [shop, grpcShop, server] = await Promise.all([
    Participants.start(),
    GrpcParticipant.start(),
    startServer(
      { store: 'memory:', httpPort: 0, grpcPort: 0, drainTimeout: 0, logLevel: 'silent', branchTargets: ['127.0.0.1'] },
      { secrets: new Map([['bank', SECRET]]) },
    ),
  ]);
  const hf = connect(transport === 'http' ? server.url : `grpc://${server.grpcAddress}`, { drainMs: 0, ...options });
  onTestFinished(async () => {
    await hf.close();
    await Promise.all([server.close(), shop[Symbol.asyncDispose](), grpcShop[Symbol.asyncDispose]()]);
  });
  const received = () => [
    ...shop.seen.map(({ headers }) => [headers['authorization'], headers['x-partner']]),
    ...grpcShop.seen.map(({ metadata }) => [metadata['authorization'], metadata['x-partner']]),
  ];
  return { hf, shop, grpcShop, urls: [shop.url('/a'), grpcShop.url('TransIn')], received };
}

const RESOLVED = [`Bearer ${SECRET}`, SECRET];
const branchOf = (url: string) => ({ try: url, confirm: null, cancel: url, payload: {} });
const failure = (call: Promise<unknown>): Promise<Error> =>
  call.then(
    () => new Error('it succeeded'),
    (error: Error) => error,
  );

describe.each(['http', 'grpc'] as const)('branchHeaders with secret:NAME, over %s', (transport) => {
  it('have the secret of the option secrets in calls of a tcc, an xa and a workflow; the record has the reference', async () => {
    const { hf, urls, received } = await world(transport, { secrets: { bank: `${SECRET}\n` } });
    for (const [index, url] of urls.entries()) {
      await hf.tcc((tx) => tx.call(branchOf(url)), { gid: `tcc-${index}`, branchHeaders });
      const callXa = { gid: `xa-${index}`, branchHeaders, wait: true } as const;
      await hf.xa((tx) => tx.call({ url, payload: {} }), callXa);
      const options = { version: 1, callbackUrl: 'http://127.0.0.1:1/', branchHeaders };
      const pay = hf.workflow(`pay-${index}`, options, (flow) =>
        flow.call('pay', { action: url, compensate: null, payload: {} }),
      );
      await pay.run(undefined, { gid: `flow-${index}` });
    }
    // Of each kind of participant: the try, the prepare and commit of the xa, the workflow's call.
    expect(received()).toEqual(Array.from({ length: 8 }, () => RESOLVED));
    for (const pattern of ['tcc', 'xa', 'flow'])
      expect(JSON.stringify(await hf.get(`${pattern}-0`))).not.toContain('p4rtner');
  });

  it('are rejected before a tcc or xa begins, if the process has no such secret', async () => {
    const { hf, urls, received } = await world(transport);
    const [url = ''] = urls;
    const begun = [
      hf.tcc((tx) => tx.call(branchOf(url)), { gid: 'g', branchHeaders }),
      hf.xa((tx) => tx.call({ url }), { gid: 'g', branchHeaders }),
    ];
    for (const error of await Promise.all(begun.map(failure))) {
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toBe(
        'branchHeaders.authorization: secret:bank names a secret, and connect() has no option secrets',
      );
    }
    const spelled = hf.tcc((tx) => tx.call(branchOf(url)), { branchHeaders: { authorization: 'Bearer  secret:bank' } });
    expect((await failure(spelled)).message).toContain('branchHeaders.authorization: a reference to a secret must be');
    expect([await hf.get('g'), received()]).toEqual([undefined, []]);
  });

  it('leave the result of a workflow open while the secret is missing, and nothing is compensated or sent', async () => {
    let secret: string | undefined = 'first-of-bank';
    const { hf, urls, received, shop } = await world(transport, {
      secrets: (name) => (name === 'bank' ? secret : undefined),
    });
    const options = { version: 1, callbackUrl: 'http://127.0.0.1:1/', branchHeaders };
    const pay = hf.workflow('pay', options, async (flow) => {
      await flow.call('first', { action: shop.url('/first'), compensate: shop.url('/undo') });
      secret = undefined;
      for (const [index, action] of urls.entries())
        await flow.call(`pay-${index}`, { action, compensate: null, payload: {} });
    });
    const error = await failure(pay.run(undefined, { gid: 'g' }));
    const cause = error.cause as Error;
    expect([error.name, cause.name]).toEqual(['TransactionPending', 'BranchUnknown']);
    expect(cause.message).toContain(
      'not called: secret:bank is not among the secrets of connect() (header authorization)',
    );
    expect([received(), (await hf.get('g'))?.status]).toEqual([
      [['Bearer first-of-bank', 'first-of-bank']],
      'prepared',
    ]);
    expect(shop.calls).toEqual(['first action /first']);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('the vault is sealed');
      },
    ],
    ['returns a number', () => 5],
    ['returns a text that no header can have', () => 'two\nlines'],
  ])('are not sent if the function secrets %s', async (_case, secrets) => {
    const { hf, urls, received } = await world(transport, { secrets: secrets as never });
    const error = await failure(hf.tcc((tx) => tx.call(branchOf(urls[0] ?? '')), { branchHeaders }));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(/branchHeaders\.authorization: secret:bank (cannot|is not a text)/);
    expect([error.message.includes('lines'), received()]).toEqual([false, []]);
  });

  it('are hidden in the errors and reasons of a participant that repeats them', async () => {
    const { hf, urls, shop, grpcShop } = await world(transport, { secrets: { bank: SECRET } });
    const echo = [SECRET, JSON.stringify(SECRET), Buffer.from(SECRET).toString('base64'), 'own-cookie-0815'].join(' ');
    shop.respond('/a', always(409, echo));
    grpcShop.behave = () => ({ code: 10, message: echo });
    for (const [index, url] of urls.entries()) {
      const headers = { ...branchHeaders, cookie: 'own-cookie-0815' };
      const gid = `g-${index}`;
      const error = await failure(hf.tcc((tx) => tx.call(branchOf(url)), { gid, branchHeaders: headers }));
      expect(error.cause).toBeInstanceOf(BranchFailure);
      const shown = `${error.message} ${String(error.cause)} ${JSON.stringify(await hf.get(gid))}`;
      expect(shown).toContain('*** "***" ***w== ***');
      expect(shown).not.toMatch(/p4rtner|own-cookie|cDRydG5lci/);
    }
  });
});

it.each([
  ['a text', 'bank', 'connect(): secrets must be texts by name, or a function that returns a text'],
  ['a bad name', { '../bank': SECRET }, 'connect(): secrets: the name "../bank" must have 1 to 64 letters'],
  ['a short text', { bank: 'short' }, 'connect(): secrets: bank cannot be sent: a secret must have 8 to 4096'],
  ['a number', { bank: 123_456_789 }, 'connect(): secrets: bank is not a text'],
])('connect() rejects secrets that are %s', (_case, secrets, message) => {
  const attempt = (): Holdfast => connect('http://127.0.0.1:1', { secrets: secrets as never });
  expect(attempt).toThrow(TypeError);
  expect(attempt).toThrow(message);
});
