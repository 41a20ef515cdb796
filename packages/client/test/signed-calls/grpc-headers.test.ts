import { describe, expect, it, onTestFinished } from 'vitest';
import { addBranches, branch } from '../../src/participants/grpc.ts';
import { grpcServer } from '../participants/grpc-framework.ts';
import { SECRET } from './keys.ts';
import { coordinator, participant } from './world.ts';

/** A gRPC participant that verifies its calls, and the queries that its calls had. */
async function bank() {
  const calls: string[] = [];
  const errors: string[] = [];
  const metadata: (readonly [name: string, value: string | Buffer])[] = [];
  const debit = branch(({ query }) => void calls.push(new URLSearchParams(query).toString()), {
    verify: { keys: [SECRET] },
    onError: (error) => errors.push(String(error)),
  });
  const { address, close } = await grpcServer((server) => {
    addBranches(server, 'bank.Bank', {
      Debit: {
        serverOf: (codec) => {
          const serve = debit.serverOf(codec);
          return (call, callback) => {
            metadata.push(...Object.entries(call.metadata.getMap()));
            serve(call, callback);
          };
        },
      },
    });
  });
  onTestFinished(close);
  return { url: `grpc://${address}/bank.Bank/Debit`, calls, errors, metadata };
}

const coordinates = (gid: string, transType: string, op: string) =>
  `gid=${gid}&trans_type=${transType}&branch_id=01&op=${op}`;

/** Parameters by name, without the one by which the SDK recognises its own calls. */
function sorted(query = ''): string {
  const parameters = new URLSearchParams(query);
  parameters.delete('holdfast_run');
  parameters.sort();
  return parameters.toString();
}

/** Of which some sort before the coordinates, and some need to be encoded. */
const HEADERS = {
  'dtm-tenant': 'a b&c=d',
  'DTM-account': ' 7.5 ',
  'dtm-empty': '',
  'dtm-seal-bin': 'Grüße',
  'dtm-z': '%41',
  'x-mine': 'not signed',
};
/** By name, without the prefix. */
const SIGNED_HEADERS = '&account=7.5&tenant=a+b%26c%3Dd&z=%2541';

const FORGED = {
  'dtm-gid': 'forged',
  'Dtm-Op': 'compensate',
  'dtm-branch_id': '99',
  'dtm-trans_type': 'xa',
  'dtm-dtm': 'forged',
  'Holdfast-URL-Coordinates': 'first',
  'Webhook-Id': 'forged',
  'holdfast-signature': 'v1,forged',
};

describe('metadata dtm-… from branch_headers', () => {
  it('are signed by the coordinator, so that a participant that verifies serves the calls', async () => {
    const { hf } = await coordinator(SECRET);
    const { url, calls, errors, metadata } = await bank();
    const saga = hf.saga('g').options({ branchHeaders: HEADERS }).step({ action: url, compensate: null });
    const submitted = saga.submit({ wait: true, signal: AbortSignal.timeout(3_000) });
    await submitted.catch((error: unknown) => errors.push(String(error)));
    expect(errors).toEqual([]);
    expect(sorted(calls[0])).toBe(sorted(coordinates('g', 'saga', 'action') + SIGNED_HEADERS));
    expect(new Map(metadata).get('dtm-seal-bin')).toEqual(Buffer.from('Grüße'));
  });

  it('are signed by the SDK for the calls that the code of a transaction makes', async () => {
    const { hf } = await coordinator(SECRET, {}, { signingKeys: [SECRET] });
    const { url, calls, errors, metadata } = await bank();
    await hf.tcc((tx) => tx.call({ try: url, confirm: url, cancel: url, payload: {} }), {
      gid: 'g',
      branchHeaders: HEADERS,
    });
    expect(errors).toEqual([]);
    expect(sorted(calls[0])).toBe(sorted(coordinates('g', 'tcc', 'try') + SIGNED_HEADERS));
    expect(metadata.filter(([name]) => name === 'dtm-seal-bin')[0]?.[1]).toEqual(Buffer.from('Grüße'));
  });

  it("cannot replace the coordinator's own", async () => {
    const { hf } = await coordinator(SECRET, {}, { signingKeys: [SECRET] });
    const { url, calls, errors } = await bank();
    const branchHeaders = FORGED;
    await hf.saga('g').options({ branchHeaders }).step({ action: url, compensate: null }).submit({ wait: true });
    await hf.tcc((tx) => tx.call({ try: url, confirm: url, cancel: url }), { gid: 't', branchHeaders });
    expect(errors).toEqual([]);
    expect(calls.slice(0, 2).map(sorted)).toEqual(
      [coordinates('g', 'saga', 'action'), coordinates('t', 'tcc', 'try')].map(sorted),
    );
  });

  it("cannot replace the coordinator's own over HTTP either, at the coordinator and in the SDK", async () => {
    const { hf } = await coordinator(SECRET, {}, { signingKeys: [SECRET] });
    const { url, calls, errors } = await participant({ keys: [SECRET] });
    const branchHeaders = { ...FORGED, Connection: 'close', 'Transfer-Encoding': 'chunked', Host: 'forged' };
    await hf.saga('g').options({ branchHeaders }).step({ action: url, compensate: null }).submit({ wait: true });
    await hf.tcc((tx) => tx.call({ try: url, confirm: url, cancel: url, payload: {} }), { gid: 't', branchHeaders });
    expect(errors).toEqual([]);
    expect(calls.slice(0, 2)).toEqual(['g 01 action', 't 01 try']);
  });
});
