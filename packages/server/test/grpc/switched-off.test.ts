import { describe, expect, it } from 'vitest';
import { TestServer } from '../support/running-server.ts';

describe('gRPC that is switched off', () => {
  it('has no port, and the coordinator serves HTTP and stops', async () => {
    const server = await TestServer.start({ grpc: false });
    expect(server.running.grpcAddress).toBe('');
    expect((await server.get('/readyz')).status).toBe(200);
    await server[Symbol.asyncDispose]();
  });
});
