import {
  Metadata,
  type MethodDefinition,
  type Server,
  type ServiceDefinition,
  type UntypedHandleCall,
} from '@grpc/grpc-js';
import { RUN_PARAMETER } from '@holdfast/protocol';
import type { Barrier } from '../barrier/barrier.ts';
import { workflowCallback } from '../workflow/callback.ts';
import { currentBranch, runOf } from './branch-context.ts';
import type { BarrierHandler, BranchCallContext, BranchHandler, ServeOptions } from './call.ts';
import { checkBackHandler } from './check-back.ts';
import { GrpcBranch, type GrpcBranchOptions } from './grpc-branch.ts';
import { METADATA_PREFIX } from './grpc-call.ts';
import { codecOf, JSON_CODEC, WORKFLOW_CODEC } from './grpc-codec.ts';

export type {
  BarrierHandler,
  BranchCallContext,
  BranchHandler,
  BranchOptions,
  ErrorOptions,
  ServeOptions,
} from './call.ts';
export type { ReplayStore, VerifyOptions } from '@holdfast/protocol/signing';
export { BranchFailure, BranchOngoing } from '@holdfast/protocol';
export type { GrpcBranch, GrpcBranchOptions } from './grpc-branch.ts';

/**
 * A unary method that a coordinator calls: reads the call from its metadata, runs the handler, and
 * ends the call with the code that the coordinator reads: returned → OK, `BranchFailure` → ABORTED,
 * `BranchOngoing` → FAILED_PRECONDITION, any other error → UNKNOWN (whatever code it has), an
 * unreadable call → INVALID_ARGUMENT. `addBranches` adds it to a server.
 */
export function branch<Payload = unknown>(
  handler: BranchHandler<Payload>,
  options?: GrpcBranchOptions<Payload>,
): GrpcBranch<Payload>;
/**
 * The same behind a barrier: the handler writes with `tx`, at most once for each call of the
 * coordinator.
 */
export function branch<Payload = unknown, Tx = unknown>(
  barrier: Barrier<Tx>,
  handler: BarrierHandler<Payload, Tx>,
  options?: GrpcBranchOptions<Payload>,
): GrpcBranch<Payload>;
export function branch<Payload, Tx>(
  first: BranchHandler<Payload> | Barrier<Tx>,
  second?: BarrierHandler<Payload, Tx> | GrpcBranchOptions<Payload>,
  third?: GrpcBranchOptions<Payload>,
): GrpcBranch<Payload> {
  if (typeof first === 'function') {
    if (typeof second === 'function')
      throw new TypeError('branch takes (handler, options) or (barrier, handler, options)');
    return GrpcBranch.of(first, second);
  }
  if (typeof second !== 'function') throw new TypeError('branch(barrier, handler, options) needs a handler');
  return GrpcBranch.behind(first, second, third);
}

/**
 * The method at which a coordinator checks back about the local transaction of a two-phase message:
 * OK if it was committed, ABORTED if it was not and never will be.
 */
export const checkBack = (barrier: Pick<Barrier<unknown>, 'checkBack'>, options: ServeOptions = {}): GrpcBranch =>
  GrpcBranch.of(checkBackHandler(barrier), options);

/** Any branch, whatever its payload. */
type AnyBranch = Pick<GrpcBranch, 'serverOf'>;

/**
 * Adds a service to a server of `@grpc/grpc-js`, some or all of whose methods are branches. Other
 * methods take the library's own handlers, for calls that are not a coordinator's. A method that is
 * not given ends its calls with UNIMPLEMENTED.
 *
 *     addBranches(server, BankService, {
 *       debit: branch<DebitRequest>(barrier, (call, sql) => take(sql, call.payload.amount)),
 *       check: checkBack(barrier),
 *       balance: (call, callback) => callback(null, …),
 *     });
 *
 * @param service a definition, as generated code and `@grpc/proto-loader` have it: the payload is
 *   the request's message, and what the handler returns is the response's. Or the name of a service
 *   with its package, such as `bank.Bank`: its messages are JSON texts, like the bodies of HTTP
 *   branches, and it needs no `.proto`
 * @throws {TypeError} the definition has no such method, or the method has a stream, which no
 *   coordinator calls
 */
export function addBranches(
  server: Pick<Server, 'addService'>,
  service: ServiceDefinition | string,
  methods: Readonly<Record<string, AnyBranch | UntypedHandleCall>>,
): void {
  assertService(service);
  const definition = typeof service === 'string' ? jsonDefinition(service, Object.keys(methods)) : service;
  const codecFor = typeof service === 'string' ? () => JSON_CODEC : codecOf;
  const known = new Set(Object.entries(definition).flatMap(([name, { originalName }]) => [name, originalName]));
  const unknown = Object.keys(methods).find((name) => !known.has(name));
  if (unknown !== undefined)
    throw new TypeError(`the service has no method ${unknown}; it has ${Object.keys(definition).join(', ')}`);
  const complete: Record<string, ServiceDefinition[string]> = {};
  const handlers: Record<string, UntypedHandleCall> = {};
  for (const [name, attributes] of Object.entries(definition)) {
    const { originalName = name } = attributes;
    const method = methods[name] ?? methods[originalName];
    complete[name] = attributes;
    if (method === undefined) continue;
    if (typeof method === 'function') handlers[name] = method;
    else {
      complete[name] = withBytes(name, attributes);
      handlers[name] = method.serverOf(codecFor(attributes));
    }
  }
  server.addService(complete, handlers);
}

/** A name that a loaded file does not contain is undefined; a client class is not a definition. */
function assertService(service: unknown): void {
  if (typeof service === 'string' || (typeof service === 'object' && service !== null)) return;
  const found = typeof service === 'function' ? 'a class: pass its static property "service"' : String(service);
  throw new TypeError(`addBranches needs the definition of a service, or its name such as bank.Bank, not ${found}`);
}

/**
 * Adds the service to which a coordinator sends callbacks of workflows. Their `callbackUrl` is
 * `grpc://HOST:PORT/workflow.Workflow/Execute`, as the coordinator reaches this server. All
 * workflows must be defined before callbacks are served.
 */
export function addWorkflowCallback(
  server: Pick<Server, 'addService'>,
  hf: Parameters<typeof workflowCallback>[0],
  options: ServeOptions = {},
): void {
  const execute = GrpcBranch.of(workflowCallback(hf), options).serverOf(WORKFLOW_CODEC);
  server.addService({ Execute: bytesMethod('/workflow.Workflow/Execute', 'Execute') }, { Execute: execute });
}

/**
 * The metadata that make a gRPC call of this process part of the branch being served; see
 * `branchUrl`, which does the same for a URL.
 *
 *     ledger.note({ amount }, branchMetadata(), callback)
 *
 * @param call default: the one being served
 * @throws {TypeError} no call is being served
 */
export function branchMetadata(call: BranchCallContext | undefined = currentBranch()): Metadata {
  if (call === undefined) throw new TypeError('branchMetadata(): no branch is being served here; pass its call');
  const { gid, transType, branchId, op } = call;
  const metadata = new Metadata();
  const values = { gid, trans_type: transType, branch_id: branchId, op, [RUN_PARAMETER]: runOf(call) };
  for (const [name, value] of Object.entries(values)) if (value !== '') metadata.set(METADATA_PREFIX + name, value);
  return metadata;
}

const SERVICE = /^[A-Za-z_][\w.]*$/;
const METHOD = /^[A-Za-z_]\w*$/;

function jsonDefinition(service: string, methods: readonly string[]): ServiceDefinition {
  const invalid = SERVICE.test(service) ? methods.find((name) => !METHOD.test(name)) : service;
  if (invalid !== undefined)
    throw new TypeError(`the names of services and methods have letters, digits, _ and . only: ${invalid}`);
  return Object.fromEntries(methods.map((name) => [name, bytesMethod(`/${service}/${name}`, name)]));
}

const asBytes = (bytes: Buffer): Buffer => bytes;

const bytesMethod = (path: string, originalName: string): MethodDefinition<Buffer, Buffer> => ({
  path,
  originalName,
  requestStream: false,
  responseStream: false,
  requestSerialize: asBytes,
  requestDeserialize: asBytes,
  responseSerialize: asBytes,
  responseDeserialize: asBytes,
});

/** The method with messages as bytes: the branch itself reads and writes them. */
function withBytes(
  name: string,
  { path, originalName = name, requestStream, responseStream }: MethodDefinition<unknown, unknown>,
): MethodDefinition<Buffer, Buffer> {
  if (requestStream || responseStream)
    throw new TypeError(`method ${name} has a stream: a coordinator calls unary methods only`);
  return bytesMethod(path, originalName);
}
