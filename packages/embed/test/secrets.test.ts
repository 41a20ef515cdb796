import { embed, type EmbedOptions } from '@holdfast/embed';
import { GrpcParticipant } from '@holdfast/testing/grpc-participant';
import { Participants } from '@holdfast/testing/participants';
import { expect, it } from 'vitest';
import { SILENT } from './support/silent.ts';

const OPTIONS = { store: 'memory:', logger: SILENT, drainMs: 0 } as const satisfies EmbedOptions;
const branchHeaders = { authorization: 'Bearer secret:bank' };

it('embed({ secrets }) replaces references in calls of the coordinator and of the code of the process', async () => {
  await using shop = await Participants.start();
  await using grpcShop = await GrpcParticipant.start();
  let secret = 'first-of-bank';
  await using hf = await embed({ ...OPTIONS, secrets: (name) => (name === 'bank' ? `${secret}\n` : undefined) });
  const run = async (): Promise<void> => {
    for (const action of [shop.url('/a'), grpcShop.url('TransIn')]) {
      const step = { action, compensate: null, payload: {} };
      await hf.saga().options({ branchHeaders }).step(step).submit({ wait: true });
      await hf.tcc((tx) => tx.call({ try: action, confirm: action, cancel: action, payload: {} }), {
        branchHeaders,
        wait: true,
      });
    }
  };
  await run();
  secret = 'second-of-bank';
  await run();
  const received = [
    ...shop.seen.map(({ headers }) => headers['authorization']),
    ...grpcShop.seen.map(({ metadata }) => metadata['authorization']),
  ];
  const both = ['first-of-bank', 'second-of-bank'].flatMap((text) => Array.from({ length: 3 }, () => `Bearer ${text}`));
  expect(received).toEqual([...both, ...both]);
});

it.each([undefined, { other: 'of-another' }])('with the secrets %j, a reference is rejected', async (secrets) => {
  await using shop = await Participants.start();
  await using hf = await embed({ ...OPTIONS, ...(secrets !== undefined && { secrets }) });
  const saga = hf
    .saga('g')
    .options({ branchHeaders })
    .step({ action: shop.url('/a'), compensate: null });
  const why = secrets === undefined ? 'and embed() has no option secrets' : 'is not among the secrets of embed()';
  await expect(saga.submit()).rejects.toThrow(why);
  const tcc = hf.tcc((tx) => tx.call({ try: shop.url('/a'), confirm: null, cancel: null }), {
    gid: 'g',
    branchHeaders,
  });
  await expect(tcc).rejects.toThrow(why);
  expect([await hf.get('g'), shop.seen]).toEqual([undefined, []]);
});

it('a secret that has gone leaves the result of a call unknown: nothing is compensated', async () => {
  await using shop = await Participants.start();
  let secret: string | undefined = 'first-of-bank';
  await using hf = await embed({
    ...OPTIONS,
    secrets: () => secret,
    engine: { retryIntervalMs: 10, maxRetryIntervalMs: 10 },
  });
  shop.respond('/a', (response) => {
    secret = undefined;
    response.writeHead(500).end();
  });
  const step = { action: shop.url('/a'), compensate: shop.url('/undo') };
  await hf.saga('g').options({ branchHeaders }).step(step).submit();
  const missing = 'not called: secret:bank is not among the secrets of embed() (header authorization)';
  await expect.poll(async () => JSON.stringify(await hf.get('g')), { timeout: 20_000 }).toContain(missing);
  secret = 'second-of-bank';
  shop.respond('/a', (response) => void response.end());
  expect((await hf.wait('g', { timeoutMs: 20_000 })).status).toBe('succeed');
  expect(shop.calls.some((call) => call.endsWith('/undo'))).toBe(false);
});

it('rejects secrets that are neither texts by name nor a function, and shows none', async () => {
  const started = embed({ ...OPTIONS, secrets: { bank: 'with\nlines-of-it' } });
  await expect(started).rejects.toThrow('embed(): secrets: bank cannot be sent');
  await expect(started).rejects.not.toThrow('lines-of-it');
});
