import { type InputOf, OPERATION_NAMES, operationOf, type OperationName } from '@holdfast/protocol';
import type { ApiCall, ApiCalls, ConnectedApi } from './api.ts';
import { BranchCaller } from './branch-caller.ts';
import { gidOfInput } from './gid-of-input.ts';
import { InitiatorSecrets } from './initiator-secrets.ts';
import { signerOf } from './initiator-signature.ts';
import { GrpcTransport } from './grpc-transport.ts';
import type { HttpApiOptions } from './http-transport.ts';
import { resumed } from './watching.ts';

/** A response without fields. */
const NOTHING = { parse: () => undefined };

/** The coordinator's `holdfast.v1` over gRPC. */
export function grpcApi(coordinatorUrl: string, options: HttpApiOptions): ConnectedApi {
  const transport = new GrpcTransport(coordinatorUrl, options);
  const secrets = new InitiatorSecrets(options.secrets, 'connect()');
  const branches = new BranchCaller(options.connections, { signer: signerOf(options), secrets });
  const calls = Object.fromEntries(OPERATION_NAMES.map((name) => [name, stubOf(transport, name)]));
  return {
    ...(calls as unknown as ApiCalls),
    watch: (call) => resumed(transport.coordinator, call, (afterVersion) => transport.watch(call, afterVersion)),
    callBranch: (request) => branches.call(request),
    secretFaultOf: (headers) => secrets.faultOf(headers),
    name: transport.url,
    url: undefined,
    grpcAddress: transport.address,
    close: async () => {
      await Promise.all([transport.close(), branches.close()]);
    },
    destroy: async () => {
      await Promise.all([transport.destroy(), branches.destroy()]);
    },
  };
}

function stubOf(transport: GrpcTransport, operation: OperationName) {
  const schema = operationOf(operation).result ?? NOTHING;
  return (input: InputOf<OperationName>, call: ApiCall) => {
    const gid = call.onlyStatedGid === true ? undefined : gidOfInput(input);
    return transport.call({ schema, operation, input, ...(gid !== undefined && { gid }) }, call);
  };
}
