import { httpRequestsOf, OPERATION_NAMES, operationOf, type InputOf, type OperationName } from '@holdfast/protocol';
import type { ApiCall, ApiCalls, ConnectedApi } from './api.ts';
import { BranchCaller } from './branch-caller.ts';
import { gidOfInput } from './gid-of-input.ts';
import { InitiatorSecrets } from './initiator-secrets.ts';
import { signerOf } from './initiator-signature.ts';
import { type HttpApiOptions, HttpTransport } from './http-transport.ts';
import { polled } from './watching.ts';

/** A response without a body. */
const NOTHING = { parse: () => undefined };

export interface HttpApi extends ConnectedApi {
  readonly url: string;
}

/** The coordinator's `/api/v1` over HTTP. */
export function httpApi(coordinatorUrl: string, options: HttpApiOptions): HttpApi {
  const transport = new HttpTransport(coordinatorUrl, options);
  const secrets = new InitiatorSecrets(options.secrets, 'connect()');
  const branches = new BranchCaller(options.connections, { signer: signerOf(options), secrets });
  const calls = Object.fromEntries(
    OPERATION_NAMES.map((name) => [name, stubOf(transport, name)]),
  ) as unknown as ApiCalls;
  return {
    ...calls,
    watch: (call) => polled(calls, call),
    callBranch: (request) => branches.call(request),
    secretFaultOf: (headers) => secrets.faultOf(headers),
    name: transport.url,
    url: transport.url,
    close: async () => {
      await Promise.all([transport.close(), branches.close()]);
    },
    destroy: async () => {
      await Promise.all([transport.destroy(), branches.destroy()]);
    },
  };
}

function stubOf(transport: HttpTransport, operation: OperationName) {
  const requestOf = httpRequestsOf(operation);
  const schema = operationOf(operation).result ?? NOTHING;
  return (input: InputOf<OperationName>, call: ApiCall) => {
    const gid = call.onlyStatedGid === true ? undefined : gidOfInput(input);
    return transport.call({ ...requestOf(input), schema, operation, input, ...(gid !== undefined && { gid }) }, call);
  };
}
