import { BranchFailure } from '@holdfast/protocol';
import { startServer } from '@holdfast/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type Holdfast } from '../../src/index.ts';
import { GrpcRegistration } from '../../src/xa-participant/grpc-registration.ts';
import { coordinatorRoot, registerXaBranch } from '../../src/xa-participant/registration.ts';

/** The registration of an XA participant whose action was called over gRPC. */
describe('an XA branch that was called over gRPC', () => {
  let server: Awaited<ReturnType<typeof startServer>>;
  let hf: Holdfast;
  beforeAll(async () => {
    server = await startServer({ store: 'memory:', httpPort: 0, grpcPort: 0, drainTimeout: 0 });
    hf = connect(`grpc://${server.grpcAddress}`, { drainMs: 0 });
  });
  afterAll(async () => {
    await hf.close();
    await server.close();
  });

  const PHASE2 = 'bank:9000/bank.Bank/Xa';
  const register = (gid: string, dtm: string, coordinator?: string): Promise<void> => {
    const query = new URLSearchParams({ dtm, phase2_url: PHASE2 });
    const call = { gid, transType: 'xa', branchId: '07', op: 'action', query } as const;
    return registerXaBranch(call, coordinator, new GrpcRegistration());
  };

  it('is registered with the coordinator on this machine that the call names as host:port', async () => {
    const registered = hf.xa(
      async (tx) => {
        await register(tx.gid, server.grpcAddress);
        const details = await hf.get(tx.gid);
        throw new Error(details?.branches.map(({ branchId, op, url }) => `${branchId} ${op} ${url}`).join());
      },
      { gid: 'xa-1' },
    );
    await expect(registered).rejects.toMatchObject({ cause: { message: `07 rollback ${PHASE2},07 commit ${PHASE2}` } });
  });

  it('is registered with the configured coordinator, whatever the call names', async () => {
    const root = coordinatorRoot(`grpc://${server.grpcAddress}`);
    const work = async (tx: { readonly gid: string }) => {
      await register(tx.gid, 'elsewhere:1', root);
      throw new Error('registered');
    };
    await expect(hf.xa(work, { gid: 'xa-2' })).rejects.toMatchObject({ cause: { message: 'registered' } });
  });

  it('fails when its transaction was decided before, and is not registered elsewhere on the network', async () => {
    await hf.xa(() => undefined, { gid: 'xa-3' });
    await expect(register('xa-3', server.grpcAddress)).rejects.toBeInstanceOf(BranchFailure);
    await expect(register('xa-3', 'coordinator:36790')).rejects.toThrow(/names a coordinator elsewhere/);
    await expect(register('xa-3', '127.0.0.1:1')).rejects.toThrow(/did not take branch 07/);
  });
});
