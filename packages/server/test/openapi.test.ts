import { expect, it } from 'vitest';
import { openApiDocument } from '@holdfast/protocol';
import { TestServer } from './support/running-server.ts';

it('the OpenAPI document is served with the version of the coordinator', async () => {
  await using server = await TestServer.start();
  const version = ((await server.get('/api/v1/status')).json as unknown as { readonly version: string }).version;
  const { status, headers, text } = await server.get('/openapi.json');
  expect([status, headers.get('content-type')]).toEqual([200, 'application/json']);
  expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(openApiDocument(version))));
});

it('the metrics count the calls of each operation by their result', async () => {
  await using server = await TestServer.start();
  await server.get('/api/v1/transactions/nothing');
  await server.get('/api/v1/nodes');
  await server.get('/api/v1/nodes');
  const { text } = await server.get('/api/metrics');
  expect(text).toContain('holdfast_operations_total{operation="getTransaction",result="not_found"} 1');
  expect(text).toContain('holdfast_operations_total{operation="listNodes",result="ok"} 2');
  expect(text).toContain('holdfast_operation_seconds_count{operation="listNodes"} 2');
  expect(text).not.toContain('holdfast_operations_total{operation="deleteTopic"');
});
