import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceError,
  status as code,
} from '@grpc/grpc-js';
import { MESSAGE_FORM } from '@holdfast/protocol/grpc';
import { branch, checkBack, type GrpcBranch } from '../../src/participants/grpc.ts';
import { addBranches } from '../../src/participants/grpc.ts';
import { wireText } from '../../src/participants/wire-body.ts';
import type { Called, Framework, Response, Served } from './harness.ts';

export type GrpcRoute = Pick<GrpcBranch, 'serverOf'>;

/** The participant's side over gRPC, for the cases of all participants: messages are JSON texts. */
export const grpcFramework: Framework<GrpcRoute> = {
  branch,
  checkBack,
  serve: async (route) => {
    const { address, close } = await grpcServer((server) => addBranches(server, 'bank.Bank', { debit: route }));
    return { url: `${address}/bank.Bank`, close };
  },
  call,
};

/** Starts a server on a free port. */
export async function grpcServer(
  setUp: (server: Server) => void,
): Promise<Pick<Served, 'close'> & { address: string }> {
  const server = new Server();
  setUp(server);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { address: `127.0.0.1:${port}`, close: async () => server.forceShutdown() };
}

/** The end of a call, as the library reports it to the caller. */
export interface GrpcEnd {
  readonly code: number;
  readonly details: string;
  readonly message: Buffer;
  readonly isJson: boolean;
}

const asBytes = (bytes: Buffer): Buffer => bytes;

/** Calls `ADDRESS/SERVICE/METHOD` with the metadata and a message of these bytes. */
export function grpcCall(url: string, metadata: Metadata, message: Buffer): Promise<GrpcEnd> {
  const [address = '', ...path] = url.split('/');
  const client = new Client(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
  return new Promise((resolve) => {
    let isJson = false;
    const done = (error: ServiceError | null, response: Buffer = Buffer.alloc(0)): void => {
      client.close();
      resolve({ code: error?.code ?? code.OK, details: error?.details ?? '', message: response, isJson });
    };
    client
      .makeUnaryRequest(`/${path.join('/')}`, asBytes, asBytes, message, metadata, {}, done)
      .on('metadata', (received: Metadata) => {
        isJson = received.get(MESSAGE_FORM.name)[0] === MESSAGE_FORM.json;
      });
  });
}

/** The metadata of a call that HTTP identifies by this query. */
export function metadataOf(query: string): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of new URLSearchParams(query)) metadata.add(`dtm-${name}`, value);
  return metadata;
}

const STATUSES: Readonly<Record<number, number>> = {
  [code.OK]: 200,
  [code.INVALID_ARGUMENT]: 400,
  [code.ABORTED]: 409,
  [code.RESOURCE_EXHAUSTED]: 413,
  [code.FAILED_PRECONDITION]: 425,
  [code.UNKNOWN]: 500,
};
const WORDS = { 200: 'SUCCESS', 409: 'FAILURE', 425: 'ONGOING' } as const;

/** A call in the terms of HTTP: the code as a status, the message or the details as its body. */
async function call(url: string, { query = '', body }: Called): Promise<Response> {
  const message = typeof body === 'string' || Buffer.isBuffer(body) ? Buffer.from(body) : Buffer.alloc(0);
  const end = await grpcCall(url, metadataOf(query), message);
  const status = STATUSES[end.code] ?? end.code;
  const word = WORDS[status as keyof typeof WORDS] as (typeof WORDS)[keyof typeof WORDS] | undefined;
  const text = wireText({
    ...(word !== undefined && { dtm_result: word }),
    ...(end.details !== '' && { message: end.details }),
    ...(end.message.length > 0 && { result: JSON.parse(end.message.toString()) as unknown }),
  });
  return { status, text, type: end.isJson ? 'application/json' : undefined };
}
