import grpc from '@grpc/grpc-js';

/** A call that a participant received. */
export interface SeenCall {
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly metadata: Readonly<Record<string, string | Buffer>>;
  readonly message: Buffer;
  /** Milliseconds until its caller's deadline; undefined: none. */
  readonly timeoutMs: number | undefined;
}

/** The end of a call; `hang`: it has none. */
export type GrpcBehaviour = { readonly code: number; readonly message?: string } | 'hang';

type Behave = (call: SeenCall) => GrpcBehaviour;

const OK: number = grpc.status.OK;
const raw = (bytes: Buffer): Buffer => bytes;
const METHODS = ['TransIn', 'TransInRevert', 'TransOut', 'TransOutRevert', 'QueryPrepared'] as const;

const definition = (path: string): grpc.MethodDefinition<Buffer, Buffer> => ({
  path,
  requestStream: false,
  responseStream: false,
  requestSerialize: raw,
  requestDeserialize: raw,
  responseSerialize: raw,
  responseDeserialize: raw,
});

/** A participant with gRPC methods, by the library `@grpc/grpc-js`. */
export class GrpcParticipant implements AsyncDisposable {
  /** In the order of arrival. */
  readonly seen: SeenCall[] = [];
  /** `127.0.0.1:PORT`. */
  readonly address: string;
  readonly port: number;
  /** What calls end with; OK by default. */
  behave: Behave = () => ({ code: OK });
  readonly #server: grpc.Server;

  private constructor(server: grpc.Server, host: string, port: number) {
    this.#server = server;
    this.port = port;
    this.address = `${host}:${port}`;
    server.addService(
      Object.fromEntries(METHODS.map((name) => [name, definition(`/busi.Busi/${name}`)])),
      Object.fromEntries(METHODS.map((name) => [name, this.#handler(`/busi.Busi/${name}`)])),
    );
    server.addService(
      { Execute: definition('/workflow.Workflow/Execute') },
      { Execute: this.#handler('/workflow.Workflow/Execute') },
    );
  }

  static async start(host = '127.0.0.1', port = 0): Promise<GrpcParticipant> {
    const server = new grpc.Server();
    const bound = await new Promise<number>((resolve, reject) => {
      server.bindAsync(`${host}:${port}`, grpc.ServerCredentials.createInsecure(), (error, chosen) =>
        error === null ? resolve(chosen) : reject(error),
      );
    });
    return new GrpcParticipant(server, host, bound);
  }

  /** URL of a branch. */
  url(method: (typeof METHODS)[number]): string {
    return `${this.address}/busi.Busi/${method}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown();
  }

  #handler(path: string): grpc.handleUnaryCall<Buffer, Buffer> {
    return (call, callback) => {
      const deadline = call.getDeadline();
      const seen: SeenCall = {
        path,
        metadata: call.metadata.getMap(),
        message: Buffer.from(call.request),
        timeoutMs: deadline === Infinity ? undefined : Number(deadline) - Date.now(),
      };
      this.seen.push(seen);
      const behaviour = this.behave(seen);
      if (behaviour === 'hang') return;
      const { code, message = '' } = behaviour;
      if (code === OK) callback(null, Buffer.alloc(0));
      else callback({ code, details: message });
    };
  }
}
