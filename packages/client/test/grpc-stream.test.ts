import grpc from '@grpc/grpc-js';
import { expect, it } from 'vitest';
import { serverStream } from '../src/api/grpc-stream.ts';

it('a stream whose caller has left already is not requested', async () => {
  const client = new grpc.Client('127.0.0.1:1', grpc.credentials.createInsecure());
  let requests = 0;
  client.makeServerStreamRequest = () => {
    requests++;
    throw new Error('requested');
  };
  const call = { path: '/holdfast.v1.Holdfast/Watch', message: Buffer.alloc(0), metadata: new grpc.Metadata() };
  const events: Buffer[] = [];
  for await (const event of serverStream(client, call, { signal: AbortSignal.abort() })) events.push(event);
  expect([events, requests]).toEqual([[], 0]);
  client.close();
});
