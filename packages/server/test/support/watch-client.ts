import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { TransactionDetails } from '@holdfast/protocol';
import type { CallOptions } from './grpc-client.ts';

const PROTO = fileURLToPath(new URL('../../../protocol/proto/holdfast/v1/holdfast.proto', import.meta.url));
const METHOD = (
  loadSync(PROTO, { keepCase: false, defaults: true, longs: Number })['holdfast.v1.Holdfast'] as Record<
    string,
    grpc.MethodDefinition<object, { readonly transaction: TransactionDetails }>
  >
)['Watch'] as grpc.MethodDefinition<object, { readonly transaction: TransactionDetails }>;

/** A transaction to watch, in the form of the published file. */
export interface WatchedTransaction {
  readonly gid: string;
  readonly afterVersion?: number;
}

/** A watch over the library `@grpc/grpc-js` and the published `.proto` file. */
export class Watching {
  readonly received: TransactionDetails[] = [];
  readonly call: grpc.ClientReadableStream<{ readonly transaction: TransactionDetails }>;
  readonly ended: Promise<grpc.StatusObject>;

  constructor(
    client: grpc.Client,
    transactions: readonly WatchedTransaction[],
    { timeoutMs, metadata = {} }: CallOptions = {},
  ) {
    const options = timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
    const { path, requestSerialize, responseDeserialize } = METHOD;
    const sent = new grpc.Metadata();
    for (const [name, value] of Object.entries(metadata)) sent.set(name, value);
    const request = { transactions };
    this.call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, sent, options);
    this.call.on('data', ({ transaction }: { readonly transaction: TransactionDetails }) =>
      this.received.push(transaction),
    );
    // The status follows.
    this.call.on('error', () => undefined);
    this.ended = new Promise((resolve) => this.call.on('status', resolve));
  }

  get statuses(): readonly string[] {
    return this.received.map(({ gid, status }) => `${gid} ${status}`);
  }
}

export const watchClient = (address: string): grpc.Client =>
  new grpc.Client(address, grpc.credentials.createInsecure(), {
    'grpc.enable_retries': 0,
    'grpc.use_local_subchannel_pool': 1,
  });
