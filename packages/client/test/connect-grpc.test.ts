import { createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import {
  connect,
  type ConnectOptions,
  CoordinatorUnreachable,
  DeadlineExceeded,
  type Holdfast,
  RequestRejected,
  UnexpectedResponse,
} from '../src/index.ts';
import { FakeGrpcCoordinator, type GrpcEnd } from './support/fake-grpc-coordinator.ts';

let coordinator: FakeGrpcCoordinator;
beforeEach(async () => {
  coordinator = await FakeGrpcCoordinator.start();
});
afterEach(() => coordinator[Symbol.asyncDispose]());

function clientOf(url: string, options?: ConnectOptions): Holdfast {
  const hf = connect(url, { drainMs: 0, ...options });
  onTestFinished(() => hf.close());
  return hf;
}

const saga = (hf: Holdfast) => hf.saga('g').step({ action: 'http://bank/debit', compensate: null });
const thrownBy = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    (value) => ({ value }),
    (error: unknown) => error,
  );

const REPLY = {
  namespace: 'default',
  gid: 'g',
  pattern: 'saga',
  status: 'succeed',
  rollbackReason: '',
  attention: false,
  parked: '',
  stopped: '',
  createdAtMs: 1_764_000_000_123,
  updatedAtMs: 2,
  finishedAtMs: null,
  dueAtMs: null,
  owner: null,
  lastResult: null,
};
const OK: GrpcEnd = { result: REPLY };

describe('a client of a coordinator over gRPC', () => {
  it('sends its header fields and the credentials of the URL as metadata, and a deadline', async () => {
    coordinator.end = () => OK;
    const url = coordinator.url.replace('://', '://shop:s%40crt@');
    await saga(clientOf(url, { headers: { 'X-Tenant': 'acme' }, requestTimeoutMs: 4_000 })).submit();
    const [received] = coordinator.received;
    const metadata = received?.metadata.getMap() ?? {};
    expect(metadata).toMatchObject({
      'x-tenant': 'acme',
      authorization: `Basic ${Buffer.from('shop:s@crt').toString('base64')}`,
    });
    expect(received?.timeoutMs).toBeGreaterThan(2_000);
    expect(received?.timeoutMs).toBeLessThanOrEqual(3_750);
    expect(received).toMatchObject({ operation: 'createTransaction', input: { body: { gid: 'g', pattern: 'saga' } } });
  });

  it.each([
    'grpc://127.0.0.1',
    'grpc://127.0.0.1:36790/api',
    'grpc://shop:s3cret@host',
    'grpcs://a:1,b:2',
    'grpc:///host:1',
  ])('is not created for the URL %s; the error shows a valid URL, and no password', (url) => {
    expect(() => connect(url)).toThrow(/looks like grpc:\/\/127\.0\.0\.1:36790/);
    expect(() => connect(url)).not.toThrow(/s3cret/);
  });

  it('is not created for header fields that metadata cannot have', () => {
    for (const headers of [{ 'x-name': 'größe' }, { 'x name': '1' }, { 'x-bin': 'AA==' }])
      expect(() => connect(coordinator.url, { headers })).toThrow(TypeError);
  });

  it('names the field of a rejected request as the application does', async () => {
    const field = 'steps[0].request_timeout_ms';
    const trailers = { code: 'invalid', field, gid: 'g' };
    coordinator.end = () => ({ code: status.INVALID_ARGUMENT, details: `${field}: is odd`, trailers });
    const error = await thrownBy(saga(clientOf(coordinator.url)).submit());
    expect(error).toBeInstanceOf(RequestRejected);
    expect(error).toMatchObject({
      rejection: 'invalid',
      field: 'steps[0].requestTimeoutMs',
      message: 'steps[0].requestTimeoutMs: is odd',
      gid: 'g',
    });
  });

  it('reports the status of the transaction that does not allow a request', async () => {
    const trailers = { code: 'refused', gid: 'g', status: 'failed' };
    coordinator.end = () => ({ code: status.FAILED_PRECONDITION, details: 'it has failed', trailers });
    const error = await thrownBy(clientOf(coordinator.url).retry('g'));
    expect(error).toMatchObject({ rejection: 'refused', status: 'failed', message: 'it has failed' });
  });

  it('treats a code of a later coordinator as the rejection that its status had before', async () => {
    coordinator.end = () => ({ code: status.ALREADY_EXISTS, details: 'it is taken', trailers: { code: 'taken' } });
    const error = await thrownBy(saga(clientOf(coordinator.url)).submit());
    expect(error).toMatchObject({ name: 'RequestRejected', rejection: 'exists', message: 'it is taken' });
  });

  it('ends with the reason of an aborted signal', async () => {
    const abort = new AbortController();
    const call = thrownBy(clientOf(coordinator.url).get('g', { signal: abort.signal }));
    setTimeout(() => abort.abort(new Error('the customer left')), 30);
    expect(await call).toMatchObject({ message: 'the customer left' });
  });
});

describe('a call over gRPC whose response is unusable', () => {
  it.each<[string, GrpcEnd, number]>([
    ['an error of another server', { code: status.UNIMPLEMENTED }, status.UNIMPLEMENTED],
    ['a bug of the coordinator', { code: status.INTERNAL, trailers: { code: 'internal' } }, status.INTERNAL],
    ['a message that cannot be read', { bytes: Buffer.from([0x0a, 0x7f]) }, status.OK],
    ['a result that is incomplete', { bytes: Buffer.alloc(0) }, status.OK],
    ['a status without details of the coordinator', { code: status.PERMISSION_DENIED }, status.PERMISSION_DENIED],
  ])('throws UnexpectedResponse: %s', async (_what, end, code) => {
    coordinator.end = () => end;
    const error = await thrownBy(saga(clientOf(coordinator.url)).submit());
    expect(error).toBeInstanceOf(UnexpectedResponse);
    expect(error).toMatchObject({ grpcCode: code, httpStatus: undefined, gid: 'g', outcome: 'unknown' });
    expect((error as Error).message).toContain(`responded with the gRPC code ${code}`);
    expect(coordinator.received).toHaveLength(1);
  });
});

describe('the outcome of a call over gRPC that had no success', () => {
  it('is not_started if no connection was established', async () => {
    const error = await thrownBy(saga(clientOf('grpc://127.0.0.1:1', { retryForMs: 200 })).submit());
    expect(error).toBeInstanceOf(CoordinatorUnreachable);
    expect(error).toMatchObject({ outcome: 'not_started', gid: 'g', url: 'grpc://127.0.0.1:1' });
    expect((error as CoordinatorUnreachable).attempts).toBeGreaterThan(1);
    expect((error as Error).message).toContain('no connection to 127.0.0.1:1');
  });

  it('is not_started if the connection is accepted but never established', async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => void sockets.push(socket)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      silent.close();
    });
    const address = silent.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const submitted = saga(clientOf(`grpc://127.0.0.1:${port}`)).submit({ callTimeoutMs: 300 });
    const error = await thrownBy(submitted);
    expect(error).toBeInstanceOf(DeadlineExceeded);
    expect(error).toMatchObject({ outcome: 'not_started' });
  });

  it('is unknown if the connection was lost after the request', async () => {
    coordinator.end = () => {
      void coordinator[Symbol.asyncDispose]();
      return 'hang';
    };
    const error = await thrownBy(saga(clientOf(coordinator.url, { retryForMs: 100 })).submit());
    expect(error).toBeInstanceOf(CoordinatorUnreachable);
    expect(error).toMatchObject({ outcome: 'unknown' });
    expect(coordinator.received).toHaveLength(1);
  });

  it('is unknown without a response in time; the coordinator was given less time', async () => {
    const hf = clientOf(coordinator.url);
    const error = await thrownBy(saga(hf).submit({ callTimeoutMs: 200 }));
    expect(error).toBeInstanceOf(DeadlineExceeded);
    expect(error).toMatchObject({ outcome: 'unknown', attempts: 1 });
    expect(coordinator.received[0]?.timeoutMs).toBeLessThanOrEqual(150);
    // A query changes nothing.
    expect(await thrownBy(hf.get('g', { callTimeoutMs: 100 }))).toMatchObject({ outcome: 'not_started' });
  });

  it.each(['not_started', 'unknown'] as const)('is %s if the coordinator states so', async (outcome) => {
    const trailers = { code: 'deadline_exceeded', outcome };
    coordinator.end = () => ({ code: status.DEADLINE_EXCEEDED, details: 'too late', trailers });
    const error = await thrownBy(saga(clientOf(coordinator.url, { retryForMs: 0 })).submit());
    expect(error).toBeInstanceOf(DeadlineExceeded);
    expect(error).toMatchObject({ outcome });
  });

  it('is unknown if an earlier attempt may have been carried out, although the last one was not sent', async () => {
    coordinator.end = () => {
      void coordinator[Symbol.asyncDispose]();
      return { code: status.UNAVAILABLE, trailers: { code: 'unavailable' } };
    };
    const error = await thrownBy(saga(clientOf(coordinator.url, { retryForMs: 300 })).submit());
    expect(error).toMatchObject({ name: 'CoordinatorUnreachable', outcome: 'unknown' });
  });
});

describe('a call over gRPC is repeated', () => {
  it.each([
    ['unavailable', status.UNAVAILABLE],
    ['overloaded', status.RESOURCE_EXHAUSTED],
    ['deadline_exceeded', status.DEADLINE_EXCEEDED],
  ])('while the coordinator responds %s', async (code, grpcCode) => {
    coordinator.end = () => (coordinator.received.length < 3 ? { code: grpcCode, trailers: { code } } : OK);
    await expect(saga(clientOf(coordinator.url)).submit()).resolves.toMatchObject({ status: 'succeed' });
    expect(coordinator.received).toHaveLength(3);
  });

  it('when the coordinator restarts at its address', async () => {
    const hf = clientOf(coordinator.url);
    coordinator.end = () => OK;
    await saga(hf).submit();
    await coordinator[Symbol.asyncDispose]();
    const submitted = saga(hf).submit();
    const restarted = await FakeGrpcCoordinator.start(coordinator.port);
    onTestFinished(() => restarted[Symbol.asyncDispose]());
    restarted.end = () => OK;
    await expect(submitted).resolves.toMatchObject({ gid: 'g', createdAtMs: 1_764_000_000_123 });
  });

  it('by no client that was closed; calls in progress end before that', async () => {
    const hf = connect(coordinator.url, { drainMs: 5_000 });
    let respond = (): void => undefined;
    const received = new Promise<void>((resolve) => {
      respond = resolve;
    });
    coordinator.end = () => {
      respond();
      return { code: status.NOT_FOUND, details: 'none', trailers: { code: 'not_found' } };
    };
    const reading = hf.get('g');
    await received;
    await hf.close();
    await expect(reading).resolves.toBeUndefined();
    expect(await thrownBy(hf.get('g'))).toMatchObject({ name: 'CoordinatorUnreachable', outcome: 'not_started' });
  });

  it('does not disturb other calls when one of them has had no response in time', async () => {
    const hf = clientOf(coordinator.url, { retryForMs: 0 });
    coordinator.later = ({ operation }) => (operation === 'createTransaction' ? 400 : 0);
    coordinator.end = ({ operation }) => (operation === 'getTransaction' ? 'hang' : OK);
    const ends: string[] = [];
    const other = saga(hf)
      .submit()
      .then(() => ends.push('submitted'));
    const late = thrownBy(hf.get('late', { callTimeoutMs: 150 })).then((error) => ends.push((error as Error).name));
    await Promise.all([other, late]);
    expect(ends).toEqual(['DeadlineExceeded', 'submitted']);
    expect(coordinator.received).toHaveLength(2);
    await expect(saga(hf).submit()).resolves.toMatchObject({ gid: 'g' });
  });
});
