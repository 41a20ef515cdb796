import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemDetails, transactionReply } from '@holdfast/protocol';
import { GrpcParticipant } from '@holdfast/testing/grpc-participant';
import { Participants } from '@holdfast/testing/participants';
import { TestServer } from './support/running-server.ts';

let server: TestServer;
let bank: GrpcParticipant;
let shop: Participants;

beforeAll(async () => {
  server = await TestServer.start();
  bank = await GrpcParticipant.start();
  shop = await Participants.start();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await bank[Symbol.asyncDispose]();
  await shop[Symbol.asyncDispose]();
});

/** Neither JSON nor UTF-8. */
const BYTES = Buffer.from([0x0a, 0x03, 0xff, 0x00, 0x7b]);
const payloadBytes = BYTES.toString('base64');

const create = (body: object) => server.post('/api/v1/transactions?waitMs=10000', body);

describe('a payload of bytes in /api/v1', () => {
  it('is the message of a gRPC branch, in one saga with an HTTP branch that receives JSON', async () => {
    const steps = [
      { action: `grpc://${bank.url('TransIn')}`, payloadBytes },
      { action: shop.url('/take'), payload: { bottles: 6 } },
    ];
    const { json } = await create({ gid: 'bytes-1', pattern: 'saga', steps });
    expect(transactionReply.parse(json).status).toBe('succeed');
    expect(bank.seen.at(-1)?.message).toEqual(BYTES);
    expect(shop.seen.at(-1)?.body).toBe('{"bottles":6}');
  });

  it('is confirmed with a branch of a tcc', async () => {
    await create({ gid: 'bytes-2', pattern: 'tcc' });
    const url = bank.url('TransOut');
    const branch = { pattern: 'tcc', branchId: '01', confirm: url, cancel: url, payloadBytes };
    expect((await server.post('/api/v1/transactions/bytes-2/branches', branch)).status).toBe(204);
    await server.post('/api/v1/transactions/bytes-2/submit?waitMs=10000', {});
    expect(bank.seen.at(-1)).toMatchObject({ message: BYTES, metadata: { 'dtm-op': 'confirm' } });
  });

  it('is rejected beside a JSON payload, and if it is not base64; the error names the field', async () => {
    const action = bank.url('TransIn');
    const both = await create({ pattern: 'saga', steps: [{ action }, { action, payload: 1, payloadBytes }] });
    const bad = await create({ pattern: 'msg', steps: [{ action, payloadBytes: '§' }] });
    expect([both, bad].map(({ status, json }) => [status, problemDetails.parse(json).field])).toEqual([
      [400, 'steps[1].payloadBytes'],
      [400, 'steps[0].payloadBytes'],
    ]);
  });
});
