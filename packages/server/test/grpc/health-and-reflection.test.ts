import grpc from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  HEALTH_CHECK_REQUEST,
  HEALTH_CHECK_RESPONSE,
  REFLECTION_REQUEST,
  REFLECTION_RESPONSE,
  REFLECTION_SERVICES,
  SERVICE_UNKNOWN,
  SERVING,
} from '@holdfast/protocol/grpc';
import { decodeMessage, encodeMessage, type MessageInput } from '@holdfast/protocol/protobuf';
import { TestServer } from '../support/running-server.ts';

let server: TestServer;
let client: grpc.Client;

beforeAll(async () => {
  server = await TestServer.start();
  client = new grpc.Client(server.running.grpcAddress, grpc.credentials.createInsecure());
});
afterAll(async () => {
  client.close();
  await server[Symbol.asyncDispose]();
});

const raw = (bytes: Buffer): Buffer => bytes;

describe('grpc.health.v1', () => {
  const request = (service: string) => encodeMessage(HEALTH_CHECK_REQUEST, { service });
  const check = (service: string) =>
    new Promise<number>((resolve) => {
      client.makeUnaryRequest('/grpc.health.v1.Health/Check', raw, raw, request(service), (error, value) =>
        resolve(error === null ? decodeMessage(HEALTH_CHECK_RESPONSE, value ?? Buffer.alloc(0)).status : -error.code),
      );
    });

  it('reports the server and its services as serving, and no other service', async () => {
    const names = ['', 'dtmgimp.Dtm', 'holdfast.v1.Holdfast', 'other'];
    expect(await Promise.all(names.map(check))).toEqual([SERVING, SERVING, SERVING, -5]);
  });

  it('is watched until the caller cancels', async () => {
    const statuses: number[] = [];
    const watch = client.makeServerStreamRequest('/grpc.health.v1.Health/Watch', raw, raw, request('other'));
    await new Promise<void>((resolve) => {
      watch.on('data', (bytes: Buffer) => {
        statuses.push(decodeMessage(HEALTH_CHECK_RESPONSE, bytes).status);
        watch.cancel();
      });
      watch.on('error', () => resolve());
    });
    expect(statuses).toEqual([SERVICE_UNKNOWN]);
  });
});

describe.each(REFLECTION_SERVICES)('%s', (service) => {
  const send = async (...requests: MessageInput<typeof REFLECTION_REQUEST>[]) => {
    const stream = client.makeBidiStreamRequest(`/${service}/ServerReflectionInfo`, raw, raw);
    for (const request of requests) stream.write(encodeMessage(REFLECTION_REQUEST, request));
    stream.end();
    const responses = [];
    for await (const bytes of stream) responses.push(decodeMessage(REFLECTION_RESPONSE, bytes as Buffer));
    return responses;
  };

  it('lists the services', async () => {
    const [response] = await send({ list_services: '*' });
    expect(response?.list_services_response?.service.map(({ name }) => name)).toEqual([
      'dtmgimp.Dtm',
      'holdfast.v1.Holdfast',
      'grpc.health.v1.Health',
      ...REFLECTION_SERVICES,
    ]);
  });

  it('describes every service that it lists', async () => {
    const [listed] = await send({ list_services: '*' });
    const names = listed?.list_services_response?.service.map(({ name }) => name) ?? [];
    expect(names).toContain(service);
    const described = await send(...names.map((name) => ({ file_containing_symbol: name })));
    expect(described.map(({ error_response }) => error_response)).toEqual(names.map(() => undefined));
  });

  it('describes a symbol and a file with what it imports, and reports what does not exist', async () => {
    const [symbol, file, nothing] = await send(
      { file_containing_symbol: 'dtmgimp.Dtm.Submit' },
      { file_by_filename: 'google/protobuf/empty.proto' },
      { file_containing_symbol: 'dtmgimp.Nothing' },
    );
    expect(symbol?.file_descriptor_response?.file_descriptor_proto).toHaveLength(2);
    expect(file?.file_descriptor_response?.file_descriptor_proto).toHaveLength(1);
    expect(nothing?.error_response?.error_code).toBe(5);
  });
});
