import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import grpc from '@grpc/grpc-js';
import { grpcTarget } from '@holdfast/protocol/signing';
import { closerOf } from './close-server.ts';
import { CALL_BACK_PATH, relativeUrlOf } from './participant-urls.ts';
import { abandon } from './participants.ts';
import { WORKFLOW_EXECUTE } from './published-services.ts';
import { type Outcome, type ParticipantParts, serveCall } from './served-call.ts';

/** The running participants. */
export interface GrpcParticipants {
  readonly port: number;
  /**
   * Accepts no more calls. Resolves when the calls in progress are done, including those whose
   * caller has timed out.
   */
  close(): Promise<void>;
}

type UnaryCall = grpc.ServerUnaryCall<Buffer, Buffer>;
type Handler = grpc.handleUnaryCall<Buffer, Buffer>;

const { status } = grpc;

const CODES: Record<Exclude<Outcome, 'success'> | 'unverified', number> = {
  failure: status.ABORTED,
  ongoing: status.FAILED_PRECONDITION,
  unknown: status.INTERNAL,
  unverified: status.UNAUTHENTICATED,
};

const asBytes = (bytes: Buffer): Buffer => bytes;

/** The same participants as over HTTP, as a gRPC server by the library `@grpc/grpc-js`. */
export async function startGrpcParticipants(parts: ParticipantParts): Promise<GrpcParticipants> {
  const running = new Set<Promise<void>>();
  const server = new grpc.Server();
  serveEveryPath(server, (call, callback) => {
    const work: Promise<void> = serve(parts, call, callback).then(() => void running.delete(work), abandon);
    running.add(work);
  });
  const injector = server.createConnectionInjector(credentialsOf(parts));
  const listener = createServer((socket) => injector.injectConnection(socket));
  const close = closerOf(listener, running);
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (listener.address() as AddressInfo).port,
    async close() {
      await close();
      server.forceShutdown();
    },
  };
}

function credentialsOf({ secured }: ParticipantParts): grpc.ServerCredentials {
  if (secured === undefined) return grpc.ServerCredentials.createInsecure();
  const pair = { cert_chain: Buffer.from(secured.certificate), private_key: Buffer.from(secured.key) };
  return grpc.ServerCredentials.createSsl(null, [pair]);
}

/**
 * Gives each path the same handler. The library finds a handler by its exact path, but the paths
 * of this test contain what they were made for.
 */
function serveEveryPath(server: grpc.Server, handler: Handler): void {
  server.register('*', handler, asBytes, asBytes, 'unary');
  const table: unknown = Reflect.get(server, 'handlers');
  if (!(table instanceof Map)) throw new Error('@grpc/grpc-js has no table of handlers any more');
  const handlers = table as Map<string, object>;
  const registered = handlers.get('*');
  handlers.get = (path) => ({ ...registered, path });
}

async function serve(parts: ParticipantParts, call: UnaryCall, callback: grpc.sendUnaryData<Buffer>): Promise<void> {
  const path = call.getPath();
  const isCallback = path === WORKFLOW_EXECUTE.path;
  const relative = isCallback ? CALL_BACK_PATH : relativeUrlOf(path);
  if (relative === undefined) return callback({ code: status.UNIMPLEMENTED, details: path });
  await serveCall(parts, {
    url: new URL(relative, 'http://participants'),
    call: { gid: valueOf(call, 'gid'), branchId: valueOf(call, 'branch_id'), op: valueOf(call, 'op') },
    body: isCallback ? WORKFLOW_EXECUTE.inputOf(call.request) : call.request.toString(),
    caller: { from: call.getPeer().replace(/:\d+$/, ''), protocol: 'grpc' },
    arrived: {
      header: (name) => call.metadata.get(name)[0],
      method: 'POST',
      target: grpcTarget(path, signedFields(call)),
      body: call.request,
    },
    respond(outcome) {
      if (outcome === 'lost') reset(call);
      else if (outcome === 'success') callback(null, Buffer.alloc(0));
      else callback({ code: CODES[outcome], details: `the participant returns ${outcome}` });
    },
  });
}

/** The metadata that a signature covers. */
function signedFields({ metadata }: UnaryCall): [name: string, value: string][] {
  return Object.entries(metadata.getMap()).flatMap(([name, value]) =>
    name.startsWith('dtm-') && value !== '' ? [[name.slice('dtm-'.length), String(value)] as [string, string]] : [],
  );
}

function valueOf({ metadata }: UnaryCall, name: string): string {
  return String(metadata.get(`dtm-${name}`)[0] ?? '');
}

/**
 * Ends a call without a status, as a server whose process ends does. All calls of a coordinator
 * share a connection, which must stay: breaking it would break other calls. The library has no
 * function for this.
 */
function reset(call: UnaryCall): void {
  const inner: unknown = Reflect.get(call, 'call');
  const stream: unknown = typeof inner === 'object' && inner !== null ? Reflect.get(inner, 'stream') : undefined;
  if (!isStream(stream)) throw new Error('@grpc/grpc-js has no stream of a call any more');
  stream.destroy();
}

function isStream(value: unknown): value is { destroy(): void } {
  return typeof value === 'object' && value !== null && 'destroy' in value && typeof value.destroy === 'function';
}
