import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  connect,
  CoordinatorUnreachable,
  ErrorResponse,
  type Holdfast,
  RequestRejected,
  UnexpectedResponse,
} from '../src/index.ts';

let server: Server;
let hf: Holdfast;
let response: { readonly status: number; readonly body: string };

beforeAll(async () => {
  server = createServer((request, reply) => {
    request.resume();
    reply.writeHead(response.status).end(response.body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  hf = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { retryForMs: 0 });
});
afterAll(async () => {
  await hf.close();
  server.close();
});

const problemOf = (status: number, code: string) => ({
  type: `urn:holdfast:problem:${code}`,
  title: 'No',
  status,
  detail: `not now: ${code}`,
  code,
});

async function thrownFor(status: number, body: string): Promise<unknown> {
  response = { status, body };
  return hf.get('order-1').then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('the cause of an error after an error response', () => {
  it.each([
    [429, 'overloaded', CoordinatorUnreachable],
    [503, 'unavailable', CoordinatorUnreachable],
    [504, 'deadline_exceeded', CoordinatorUnreachable],
    [500, 'internal', UnexpectedResponse],
    [451, 'of_a_later_version', UnexpectedResponse],
    [403, 'forbidden', RequestRejected],
    [400, 'invalid', RequestRejected],
  ])('has the status and the problem document: HTTP %i, %s', async (status, code, type) => {
    const problem = problemOf(status, code);
    const error = await thrownFor(status, JSON.stringify(problem));
    expect(error).toBeInstanceOf(type);
    const { cause } = error as Error;
    expect(cause).toBeInstanceOf(ErrorResponse);
    expect(cause).toMatchObject({ httpStatus: status, problem, message: problem.detail });
    expect((error as Error).message).not.toContain('Check that a coordinator is running');
  });

  it.each([
    [502, CoordinatorUnreachable],
    [429, CoordinatorUnreachable],
    [500, UnexpectedResponse],
    [404, UnexpectedResponse],
  ])("has the status of a proxy's page and no problem: HTTP %i", async (status, type) => {
    const error = await thrownFor(status, '<html>Bad gateway</html>');
    expect(error).toBeInstanceOf(type);
    const { cause } = error as Error;
    expect(cause).toBeInstanceOf(ErrorResponse);
    expect(cause).toMatchObject({
      httpStatus: status,
      problem: undefined,
      message: `HTTP ${status} of another program, such as a proxy`,
    });
  });
});
