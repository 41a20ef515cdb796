import { hostname } from 'node:os';
import { branchContext, type BranchTls, LocalBranches } from '@holdfast/branches';
import { containedLogger } from '@holdfast/core/engine';
import type { Store } from '@holdfast/core/store';
import { type Holdfast, holdfast, InitiatorSecrets, signerOfTexts, WorkInProgress } from '@holdfast/client/api';
import { DEFAULT_NAMESPACE, haveCertificates, type NodeStatus } from '@holdfast/protocol';
import {
  Admission,
  AdmittedCoordinator,
  ApiV1,
  DEFAULT_ADMISSION_LIMITS,
  defined,
  type RunningCoordinator,
  startCoordinator,
} from '@holdfast/api';
import { type Branches, type DeclaredBranches, registerBranch, registerBranches } from './branches.ts';
import { EMBEDDED, inProcessApi } from './in-process-api.ts';
import { InitiatorCalls } from './initiator-calls.ts';
import { storeOf } from './open-store.ts';
import { checkOptions, DEFAULT_EMBED_OPTIONS, type EmbedOptions } from './options.ts';
import { VERSION } from './version.ts';
import { targetsOf } from './targets.ts';
import { warningsLogger } from './warnings-logger.ts';
import { CALL_BACK_NAME, WorkflowCallbacks } from './workflow-callbacks.ts';

/** Most connections to one origin that calls of initiators use. */
const CONNECTIONS = 128;

/**
 * Time beyond `drainMs` for ending the session and closing connections if the store does not
 * respond.
 */
const LEAVE_MS = 2_000;

/** The object of `connect()`, with the functions of this process as branches. */
export interface EmbeddedHoldfast<B extends Branches> extends Holdfast {
  /** The branches that transactions refer to. */
  readonly branches: DeclaredBranches<B>;
  /** Returns the load of this process's coordinator, and the contents of its store. */
  status(): Promise<NodeStatus>;
}

/**
 * Starts a coordinator in this process. Transactions that an earlier process left unfinished
 * continue at once.
 *
 *     const hf = await embed({ store: 'lmdb:./data', branches: { debit, refund } });
 *     await hf
 *       .saga()
 *       .step({
 *         action: hf.branches.debit,
 *         compensate: hf.branches.refund,
 *         payload: { amount: 30 },
 *       })
 *       .submit({ wait: true });
 *     await hf.close();
 *
 * Close it at the end (`await using` does so). That finishes what is in progress, including first
 * phases and workflows of this process, within `drainMs`, and nothing new starts. The rest
 * continues at the next start. A process that is killed loses nothing either.
 *
 * @throws {TypeError} an option is wrong
 * @throws {StoreError} the store cannot be opened; its code is `locked` if another process has it
 */
export async function embed<B extends Branches = Branches>(options: EmbedOptions<B>): Promise<EmbeddedHoldfast<B>> {
  checkOptions(options);
  // An option that is undefined has its default, as one that is missing.
  const { application, waitTimeoutMs, retryForMs, drainMs } = { ...DEFAULT_EMBED_OPTIONS, ...defined({ ...options }) };
  const logger = containedLogger(options.logger ?? warningsLogger);
  const targets = targetsOf(options.branchTargets);
  const { signingKeys } = options;
  const signer = signingKeys === undefined ? undefined : signerOfTexts(signingKeys, 'embed(): signingKeys');
  const secrets = new InitiatorSecrets(options.secrets, 'embed()');
  const locals = new LocalBranches();
  const branches = registerBranches(locals, application, options.branches ?? ({} as B), logger);
  const callbacks = new WorkflowCallbacks({
    run: (call) => hf.runCallback(call),
    // A transaction that has finished is not an error; the others are called back at their interval
    // if this retry fails.
    retry: (gid) => void hf.retry(gid).catch(() => undefined),
  });
  const callbackUrl = registerBranch(locals, application, CALL_BACK_NAME, (call) => callbacks.serve(call), logger);
  const context = contextOf(options.branchTls);
  const store = await storeOf(options.store);
  const node = options.engine?.node ?? `${hostname()}-${process.pid}`;
  const running = await startCoordinator({
    store,
    logger,
    locals,
    ...(signer !== undefined && { signer }),
    secrets: { find: (_namespace, name) => secrets.find(name) },
    engine: { ...defined({ ...options.engine }), node, version: VERSION, groups: [application] },
    ...(options.onAlert !== undefined && { onAlert: options.onAlert }),
    ...(options.branchClient !== undefined && { branchClient: options.branchClient }),
    connections: defined({
      lookup: options.nameLookup,
      targets,
      settings: context && { tls: { secureContext: context } },
    }),
  });
  const api = apiOf(running, store, node, application);
  const initiatorCalls = new InitiatorCalls(locals, CONNECTIONS, { signer, secrets });
  const name = typeof options.store === 'string' ? `embed ${options.store}` : 'embed';
  const work = new WorkInProgress({ name });
  const stop = async (): Promise<void> => {
    const deadlineMs = performance.now() + drainMs;
    running.engine.quiesce();
    const left = await work.close(drainMs);
    if (left > 0)
      logger.info({ left }, 'first phases or workflows in progress were interrupted; the next start recovers them');
    try {
      await running.close(Math.max(0, deadlineMs - performance.now()), LEAVE_MS);
    } finally {
      await initiatorCalls.close();
    }
  };
  const isStopped = () => work.isStopped;
  const hf = holdfast(inProcessApi({ api, initiatorCalls, stop, name, retryForMs, isStopped }), waitTimeoutMs, {
    callbackUrl,
    work,
  });
  const status = () => api.call('getStatus', { principal: EMBEDDED, namespace: DEFAULT_NAMESPACE }, {});
  const workflow: Holdfast['workflow'] = (...definition) => {
    const handle = hf.workflow(...definition);
    callbacks.defined(handle.name);
    return handle;
  };
  return { ...hf, workflow, branches, status };
}

function apiOf({ engine, branches }: RunningCoordinator, store: Store, node: string, application: string): ApiV1 {
  const startedMs = performance.now();
  const admission = new Admission(branches, DEFAULT_ADMISSION_LIMITS, { group: application });
  const uptimeMs = (): number => performance.now() - startedMs;
  return new ApiV1({
    coordinator: new AdmittedCoordinator(engine, admission),
    description: { version: VERSION, node, store: store.capabilities, uptimeMs },
  });
}

/** Throws `TypeError` without OpenSSL's text, which may quote the key. */
function contextOf(branchTls: BranchTls | undefined): ReturnType<typeof branchContext> | undefined {
  if (branchTls === undefined) return undefined;
  if (branchTls.ca !== undefined && !haveCertificates(branchTls.ca))
    throw new TypeError('embed(): branchTls.ca must have certificates in PEM form (BEGIN CERTIFICATE)');
  try {
    return branchContext(branchTls);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    throw new TypeError(`embed(): branchTls is not valid PEM, or key does not belong to cert${code}`, { cause: error });
  }
}
