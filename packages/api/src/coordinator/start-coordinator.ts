import { HoldfastError, logTextOfThrown } from '@holdfast/protocol';
import {
  AlertWebhook,
  type BranchClient,
  type BranchRegistry,
  type BranchSecrets,
  BranchRouter,
  ConnectionPools,
  type ConnectionPoolsOptions,
  createBranchRegistry,
  type HttpPoolSettings,
  LocalBranches,
  undiciClient,
} from '@holdfast/branches';
import { LONGEST_TIMER_MS, systemClock } from '@holdfast/branches/event-loop';
import type { AlertHook, EngineObserver, Logger } from '@holdfast/core';
import { DEFAULT_ENGINE_OPTIONS, Engine, type EngineOptions } from '@holdfast/core/engine';
import type { Store } from '@holdfast/core/store';
import type { CallSigner } from '@holdfast/protocol/signing';
import { systemIdentities } from './identities.ts';

export interface CoordinatorOptions {
  /** Must not be open; closed by `RunningCoordinator.close`. */
  readonly store: Store;
  readonly logger: Logger;
  readonly engine?: Partial<EngineOptions>;
  readonly observer?: EngineObserver;
  /** Called with the ID (`idOf`) of each transaction that this node finishes. */
  readonly onFinished?: (id: string) => void;
  /**
   * Webhook URL; receives a POST for each transaction that needs operator attention. A function is
   * called for each POST.
   */
  readonly alertWebhook?: string | (() => string);
  /** Called for each transaction that needs operator attention. */
  readonly onAlert?: AlertHook;
  readonly locals?: LocalBranches;
  readonly connections?: ConnectionPoolsOptions;
  /**
   * The client that calls branches over HTTP: Holdfast's (`own`, the default), or the library
   * undici.
   */
  readonly branchClient?: BranchClient;
  /** Signs calls of branches and of the alert webhook. */
  readonly signer?: CallSigner;
  /** The secrets that `branch_headers` may name; absent: none. */
  readonly secrets?: BranchSecrets;
}

/** A running coordinator with its store and local branches. */
export interface RunningCoordinator {
  readonly engine: Engine;
  readonly store: Store;
  /** The functions that `local://NAME` branches call. */
  readonly locals: LocalBranches;
  /** The protocols that call branches, which also admit the URLs of new transactions. */
  readonly branches: BranchRegistry;
  /**
   * Finishes or releases what it drives (within `drainMs`), leaves the cluster, closes everything.
   * Never rejects. Repeated calls are one.
   *
   * @param leaveMs what it may take beyond that when the store does not respond; 5 s by default
   */
  close(drainMs: number, leaveMs?: number): Promise<void>;
}

/**
 * The composition root: opens the store, connects the engine to the machine's clock, randomness and
 * network, and starts to drive the transactions left by an earlier process.
 *
 * @throws {HoldfastError} `invalid` if the environment disables the verification of certificates
 */
export async function startCoordinator(options: CoordinatorOptions): Promise<RunningCoordinator> {
  refuseUnverifiedTls(process.env);
  const { store, logger, signer } = options;
  const locals = options.locals ?? new LocalBranches();
  const settings = { ...clientSettings(options.engine), ...options.connections?.settings };
  const onNoRoom = noRoomLog(logger, options.connections?.onNoRoom);
  const connectTo = options.branchClient === 'undici' ? { connectTo: await undiciClient() } : {};
  const pools = new ConnectionPools({ ...options.connections, ...connectTo, settings, onNoRoom });
  const branches = createBranchRegistry({ pools, locals, signer, secrets: options.secrets });
  const caller = new BranchRouter(branches);
  const alerts =
    options.alertWebhook === undefined
      ? undefined
      : new AlertWebhook({ url: options.alertWebhook, pools, clock: systemClock, logger, signer });
  await store.open();
  const node = options.engine?.node;
  const alert: AlertHook = async (raised) => {
    const [isDelivered] = await Promise.all([alerts?.notify(raised) ?? true, options.onAlert?.(raised)]);
    if (!isDelivered) throw new Error('the alert was not delivered; it is sent again with a later attempt');
  };
  const engine = new Engine(
    {
      store,
      caller,
      clock: systemClock,
      random: Math.random,
      identities: systemIdentities(node === undefined ? {} : { node }),
      logger,
      ...((alerts !== undefined || options.onAlert !== undefined) && { alert }),
      ...(options.observer !== undefined && { observer: options.observer }),
      ...(options.onFinished !== undefined && { onFinished: options.onFinished }),
    },
    options.engine,
  );
  const release = async (): Promise<void> => {
    alerts?.close();
    await branches.close();
    await store.close();
  };
  try {
    await engine.start();
  } catch (error) {
    await release();
    throw error;
  }
  let closing: Promise<void> | undefined;
  return {
    engine,
    store,
    locals,
    branches,
    close: (drainMs, leaveMs = LEAVE_MS) => (closing ??= drainAnd(release, engine, { drainMs, leaveMs }, logger)),
  };
}

/**
 * Node's variable disables the verification of all certificates: any server on the path could then
 * pose as a branch or as the store.
 *
 * @throws {HoldfastError} `invalid`
 */
export function refuseUnverifiedTls(env: Readonly<Record<string, string | undefined>>): void {
  if (env['NODE_TLS_REJECT_UNAUTHORIZED'] !== '0') return;
  throw new HoldfastError(
    'invalid',
    'NODE_TLS_REJECT_UNAUTHORIZED=0 disables the verification of certificates; unset it and configure your certificate authority instead',
  );
}

/**
 * As many connections as calls to one destination may run at once: a call that waited for a
 * connection would use up its timeout unsent and count as an attempt.
 */
const clientSettings = ({ maxCallsPerDestination }: Partial<EngineOptions> = {}): Partial<HttpPoolSettings> => ({
  connections: maxCallsPerDestination ?? DEFAULT_ENGINE_OPTIONS.maxCallsPerDestination,
});

const NO_ROOM_LOG_MS = 60_000;

/**
 * Logs, at most once per minute, that destinations had to wait for each other, and how many times.
 */
function noRoomLog(
  logger: Logger,
  next: ConnectionPoolsOptions['onNoRoom'],
): NonNullable<ConnectionPoolsOptions['onNoRoom']> {
  let times = 0;
  let quietUntilMs = 0;
  return (origin, ended) => {
    next?.(origin, ended);
    times++;
    const nowMs = performance.now();
    if (nowMs < quietUntilMs) return;
    quietUntilMs = nowMs + NO_ROOM_LOG_MS;
    const text = 'too many destinations are called at once; those that do not respond give way to the others';
    logger.warn({ destination: origin, ended, times }, text);
    times = 0;
  };
}

/**
 * Time beyond the drain for ending the session and closing connections when the store does not
 * respond.
 */
const LEAVE_MS = 5_000;

/**
 * Never rejects, and takes little longer than the drain: when the store is unavailable nothing
 * remains to be done, and other nodes take over what this one owned, as after a crash.
 */
async function drainAnd(
  release: () => Promise<void>,
  engine: Engine,
  { drainMs, leaveMs }: { readonly drainMs: number; readonly leaveMs: number },
  logger: Logger,
): Promise<void> {
  let late: NodeJS.Timeout | undefined;
  const limitMs = Math.min(drainMs + leaveMs, LONGEST_TIMER_MS);
  const limit = new Promise<'late'>((resolve) => (late = setTimeout(resolve, limitMs, 'late')));
  const outcome = await Promise.race([leave(release, engine, drainMs, logger), limit]);
  clearTimeout(late);
  if (outcome === 'late')
    logger.warn({}, 'the store does not respond; stopping without leaving the cluster; other nodes will take over');
}

async function leave(release: () => Promise<void>, engine: Engine, drainMs: number, logger: Logger): Promise<void> {
  try {
    const left = await engine.drain(drainMs);
    if (left > 0)
      logger.info({ transactions: left }, 'unfinished transactions continue after the next start or on another node');
  } catch (error) {
    logger.warn(
      { error: logTextOfThrown(error) },
      'could not leave the cluster in an orderly way; other nodes will take over',
    );
  }
  try {
    await release();
  } catch (error) {
    logger.warn({ error: logTextOfThrown(error) }, 'could not close the store in an orderly way');
  }
}
