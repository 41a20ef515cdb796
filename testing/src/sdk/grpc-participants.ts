import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { Holdfast } from '@holdfast/client';
import { addBranches, addWorkflowCallback, branch } from '@holdfast/client/grpc';
import { connectHarnessOf, type SdkParticipants } from './connect-harness.ts';
import type { Handlers } from './harness.ts';

/** As `connectHarness`, with participants over gRPC. */
export const grpcParticipantsHarness = connectHarnessOf(
  // gRPC carries printable ASCII only.
  { name: 'connect, participants over gRPC', oddGid: 'a b?c#d%e/~' },
  serveGrpc,
);

async function serveGrpc(branches: Handlers, hf: Holdfast): Promise<SdkParticipants> {
  const server = new Server();
  const methods = Object.entries(branches).map(([name, handler]) => [name, branch(handler)] as const);
  if (methods.length > 0) addBranches(server, 'theatre.Branches', Object.fromEntries(methods));
  addWorkflowCallback(server, hf);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const root = `grpc://127.0.0.1:${port}`;
  return {
    urlOf: (name) => `${root}/theatre.Branches/${name}`,
    callbackUrl: `${root}/workflow.Workflow/Execute`,
    close: async () => server.forceShutdown(),
  };
}
