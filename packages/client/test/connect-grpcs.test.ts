import { readFileSync } from 'node:fs';
import { credentials, ServerCredentials } from '@grpc/grpc-js';
import { describeWith } from '@holdfast/testing/describe-with';
import { makeCertificate } from '@holdfast/testing/servers';
import { afterEach, beforeAll, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { connect, CoordinatorUnreachable, type Holdfast } from '../src/index.ts';
import { FakeGrpcCoordinator } from './support/fake-grpc-coordinator.ts';

const REPLY = {
  namespace: 'default',
  gid: 'g',
  pattern: 'saga',
  status: 'succeed',
  rollbackReason: '',
  attention: false,
  parked: '',
  stopped: '',
  createdAtMs: 1,
  updatedAtMs: 2,
  finishedAtMs: null,
  dueAtMs: null,
  owner: null,
  lastResult: null,
};

describeWith(['openssl'], 'a client of a coordinator over gRPC with TLS', () => {
  let certificate: Buffer;
  let key: Buffer;
  let coordinator: FakeGrpcCoordinator;

  beforeAll(async () => {
    const made = await makeCertificate();
    if (made === undefined) throw new Error('openssl is not installed');
    [certificate, key] = [readFileSync(made.certificate), readFileSync(made.key)];
    await made.remove();
  });
  beforeEach(async () => {
    const pairs = [{ private_key: key, cert_chain: certificate }];
    coordinator = await FakeGrpcCoordinator.start(0, ServerCredentials.createSsl(null, pairs), '0.0.0.0');
    coordinator.end = () => ({ result: REPLY });
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await coordinator[Symbol.asyncDispose]();
  });

  /** As if the certificate were among those that the machine trusts. */
  function trust(): void {
    const createSsl = credentials.createSsl.bind(credentials);
    vi.spyOn(credentials, 'createSsl').mockImplementation(() => createSsl(certificate));
  }

  function clientOf(url: string): Holdfast {
    const hf = connect(url, { drainMs: 0, retryForMs: 0 });
    onTestFinished(() => hf.close());
    return hf;
  }

  const submitted = (hf: Holdfast): Promise<unknown> =>
    hf.saga('g').step({ action: 'http://bank/debit', compensate: null }).submit();

  it.each(['127.0.0.1', 'localhost'])('reaches it if its certificate is trusted: %s', async (host) => {
    trust();
    await submitted(clientOf(`grpcs://${host}:${coordinator.port}`));
    expect(coordinator.received).toHaveLength(1);
  });

  it('sends nothing to a coordinator whose certificate is not trusted', async () => {
    const thrown = await submitted(clientOf(`grpcs://localhost:${coordinator.port}`)).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(CoordinatorUnreachable);
    expect(thrown).toMatchObject({ outcome: 'not_started' });
    expect(coordinator.received).toEqual([]);
  });

  it('sends nothing to a coordinator whose certificate is for another name', async () => {
    trust();
    const thrown = await submitted(clientOf(`grpcs://127.0.0.2:${coordinator.port}`)).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(CoordinatorUnreachable);
    expect(thrown).toMatchObject({ outcome: 'not_started' });
    expect(coordinator.received).toEqual([]);
  });

  it('without TLS sends nothing to a coordinator with it', async () => {
    const thrown = await submitted(clientOf(`grpc://localhost:${coordinator.port}`)).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(CoordinatorUnreachable);
    expect(coordinator.received).toEqual([]);
  });
});
