import { fileURLToPath } from 'node:url';
import { type Client, credentials, loadPackageDefinition, type Metadata, type ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { expect, it, onTestFinished } from 'vitest';
import { addBranches, branch } from '../../src/participants/grpc.ts';
import { FakeBarrier } from './fake-barrier.ts';
import { grpcServer, metadataOf } from './grpc-framework.ts';
import { CALL } from './harness.ts';

interface Debit {
  readonly account: string;
  readonly amount: number;
}

/** The client that `@grpc/proto-loader` makes of `bank.proto`. */
interface BankClient extends Client {
  debit(debit: Debit, metadata: Metadata, callback: (error: Error | null, receipt: unknown) => void): void;
}

it('a service of @grpc/proto-loader has branches that a generated client calls with the metadata of a branch', async () => {
  const definition = loadSync(fileURLToPath(new URL('../fixtures/bank.proto', import.meta.url)), { keepCase: true });
  const barrier = new FakeBarrier();
  const debit = branch<Debit, string[]>(barrier, ({ payload: { account, amount } }, tx) => {
    tx.push(`take ${amount}`);
    return { account, left: 100 - amount };
  });
  const { address, close } = await grpcServer((server) =>
    addBranches(server, definition['bank.Bank'] as ServiceDefinition, { Debit: debit }),
  );
  onTestFinished(close);
  const { bank } = loadPackageDefinition(definition) as unknown as {
    readonly bank: { readonly Bank: new (...of: ConstructorParameters<typeof Client>) => BankClient };
  };
  const client = new bank.Bank(address, credentials.createInsecure());
  onTestFinished(() => client.close());
  const called = () =>
    new Promise((resolve, reject) => {
      client.debit({ account: 'ana', amount: 30 }, metadataOf(CALL), (error, receipt) =>
        error === null ? resolve(receipt) : reject(error),
      );
    });
  expect([await called(), await called()]).toEqual([
    { account: 'ana', left: 70 },
    { account: 'ana', left: 70 },
  ]);
  expect(barrier.committed).toEqual(['take 30']);
});
