import type { AlertHook, BranchCaller, Clock, Identities, Logger, Random } from '../environment.ts';
import { type EngineObserver, NO_OBSERVER } from '../observer.ts';
import type { Store } from '../store/store.ts';
import { Adoption } from './adoption.ts';
import { Calls } from './calls.ts';
import { Claimer } from './claimer.ts';
import { Commands } from './commands.ts';
import { Committer } from './committer.ts';
import { contained } from './contain.ts';
import { DamagedRecords } from './damaged-records.ts';
import { UNHEARD } from './delivery.ts';
import { Departures } from './departures.ts';
import { Destinations } from './destinations.ts';
import { Doubts } from './doubts.ts';
import { EffectRunner } from './effects.ts';
import { DEFAULT_ENGINE_OPTIONS, type EngineOptions } from './engine-options.ts';
import { FinalWaiters } from './final-waiters.ts';
import { Janitor } from './janitor.ts';
import { LostWrites } from './lost-writes.ts';
import { ProgressWriter } from './progress.ts';
import { Registry } from './registry.ts';
import { Releaser } from './releaser.ts';
import { Reloader } from './reload.ts';
import { Replies } from './replies.ts';
import { Run } from './run.ts';
import { Runner } from './runner.ts';
import { Session } from './session.ts';
import { StateWatchers } from './state-watchers.ts';
import { Topics } from './topics.ts';
import { UnreadRecords } from './unread-records.ts';
import { UnreadableLog } from './unreadable-log.ts';
import { Watcher } from './watcher.ts';
import { WritePath } from './write-path.ts';
import { Writer } from './writer.ts';

/**
 * The dependencies of an engine: everything that is not pure is passed in. The store must be open.
 */
export interface EngineDependencies {
  readonly store: Store;
  readonly caller: BranchCaller;
  readonly clock: Clock;
  readonly random: Random;
  readonly identities: Identities;
  readonly logger: Logger;
  /** Receives alerts; absent if no hook is configured. */
  readonly alert?: AlertHook;
  readonly observer?: EngineObserver;
  /**
   * Called with the ID of a transaction (`idOf`) when a final status that this node wrote became
   * durable.
   */
  readonly onFinished?: (id: string) => void;
}

/** What the parts that execute runs need from the rest of the engine. */
export interface RunsDependencies {
  readonly store: Store;
  readonly committer: Committer;
  readonly session: Session;
  readonly calls: Calls;
  readonly caller: BranchCaller;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: EngineObserver;
  readonly logger: Logger;
  /** Receives alerts; absent if no hook is configured. */
  readonly alert?: AlertHook;
  readonly options: EngineOptions;
  /** Called when a transaction was written with this due time. */
  readonly onReleased: (dueInMs: number) => void;
  /** Called when a final status became durable. */
  readonly onFinal: (id: string) => void;
}

/** The parts that execute runs, as far as the rest of the engine calls them. */
export interface Runs {
  readonly registry: Registry;
  readonly commands: Commands;
  readonly adoption: Adoption;
  readonly reloader: Reloader;
  readonly departures: Departures;
  readonly doubts: Doubts;
}

/**
 * Constructs the parts that execute runs. They call each other in circles (a write that loses
 * reads, a read delivers, a delivery writes), so a part receives those constructed later as
 * functions.
 */
export function wireRuns(d: RunsDependencies): Runs {
  const { session, clock, options, logger } = d;
  let writeIds = 0;
  const newWriteId = (): string => `${session.id}-${++writeIds}`;
  const replies = new Replies(logger);
  const unread = new UnreadRecords(d);
  const progress = new ProgressWriter(clock, options.progressFlushMs, (run) => writer.flush(run));
  const registry = new Registry((run) => {
    effects.outlived(run);
    unread.remove(run);
    progress.clear(run);
  });
  const effects = new EffectRunner({
    ...d,
    replies,
    deliver: (run, event) => runner.deliver(run, { event }),
    failed: (run, error) => departures.fail(run, error),
    onAcknowledged: (key) => commands.command(key, { event: { kind: 'alerted' }, reply: UNHEARD }),
  });
  const releaser = new Releaser({
    ...d,
    newWriteId,
    onUnwritable: ({ key, version }) => departures.doubt(key, version),
  });
  const doubts = new Doubts({
    ...d,
    session: () => session.id,
    hasRun: (id) => registry.has(id),
    onOwned: (record) => reloader.reconcile(registry.add(Run.ofStored(record.key)), record),
  });
  const inner = { ...d, registry, replies, effects, progress, unread, doubts, newWriteId };
  const departures = new Departures({ ...inner, releaser, adoption: () => adoption, commands: () => commands });
  const commands = new Commands({
    ...inner,
    deliver: (run, delivery) => runner.deliver(run, delivery),
    load: (run) => void reloader.reload(run),
  });
  const reloader = new Reloader({ ...inner, departures, commands, damaged: () => damaged, runner: () => runner });
  const damaged = new DamagedRecords({ ...inner, departures, commands, reloader, log: new UnreadableLog(d) });
  const adoption = new Adoption({
    registry,
    releaser,
    clock,
    maxClaims: options.maxClaims,
    reconcile: (run, record) => reloader.reconcile(run, record),
    reread: (run) => void reloader.reload(run),
    onPutBack: (run, dueInMs) => {
      departures.leave(run);
      d.onReleased(dueInMs);
    },
  });
  const writer = new Writer({ ...inner, departures, commands, reloader, adoption, runner: () => runner });
  const policy = { ...options, noAlertHook: d.alert === undefined };
  const runner = new Runner({ ...inner, departures, commands, writer, policy });
  return { registry, commands, adoption, reloader, departures, doubts };
}

/** The parts of an engine. */
export interface Parts {
  readonly session: Session;
  readonly committer: Committer;
  readonly writePath: WritePath;
  readonly destinations: Destinations;
  readonly runs: Runs;
  readonly claimer: Claimer;
  readonly janitor: Janitor;
  readonly watcher: Watcher;
  readonly topics: Topics;
  readonly waiters: FinalWaiters;
  readonly watchers: StateWatchers;
  readonly options: EngineOptions;
  /** The dependencies, contained: an exception in one of them reaches no part. */
  readonly dependencies: EngineDependencies;
}

/**
 * The share of the work in progress kept free for destinations, one transaction each, after slow
 * destinations have filled the rest.
 */
const RESERVED_SHARE = 0.1;

/** Constructs all parts of an engine; starts nothing. */
export function wireEngine(dependencies: EngineDependencies, given: Partial<EngineOptions>): Parts {
  const d = contained({ ...dependencies, observer: dependencies.observer ?? NO_OBSERVER });
  const options = { ...DEFAULT_ENGINE_OPTIONS, ...given };
  const lostWrites = new LostWrites({ ...d, session: () => session.id, runs: () => runs.registry.all() });
  const session = new Session({
    ...d,
    options,
    onLost: () => runs.departures.dropAll(),
    onWentBack: () => lostWrites.restore(),
  });
  const writePath = new WritePath({ ...d, node: options.node });
  const drivenHere = (id: string): boolean => runs.registry.has(id);
  const watchers = new StateWatchers({ ...d, drivenHere, maxWatched: options.maxWatched });
  const committer = new Committer({ ...d, writePath, bounds: options, onApplied: (id) => watchers.written(id) });
  const destinations = new Destinations({
    maxRunning: options.maxCallsPerDestination,
    maxWaiting: options.maxQueuedPerDestination,
    maxDeferralMs: options.maxRetryIntervalMs,
    room: () => Math.ceil(options.maxInProgress * (1 - RESERVED_SHARE)) - runs.registry.size,
    monotonicMs: () => d.clock.monotonicMs(),
    later: (callback) => void d.clock.setTimer(0, callback),
  });
  const waiters = new FinalWaiters({ ...d, drivenHere });
  const runs = wireRuns({
    ...d,
    committer,
    session,
    calls: new Calls({ ...d, destinations, options }),
    options,
    onReleased: (dueInMs) => claimer.hint(dueInMs),
    onFinal: (id) => {
      waiters.notify(id);
      d.onFinished?.(id);
    },
  });
  const claimer = new Claimer({
    ...d,
    session,
    options,
    room: () => (runs.adoption.mayClaim ? options.maxInProgress - runs.registry.size - runs.doubts.size : 0),
    adopt: (limit, claim) => runs.adoption.adopt(limit, claim),
  });
  const janitor = new Janitor({ ...d, session, options, onReleased: () => claimer.hint(0) });
  const watcher = new Watcher({
    ...d,
    session,
    runs: () => runs.registry.all(),
    reread: (run) => runs.reloader.reread(run),
  });
  const topics = new Topics(d.store, d.caller);
  return {
    session,
    committer,
    writePath,
    destinations,
    runs,
    claimer,
    janitor,
    watcher,
    topics,
    waiters,
    watchers,
    options,
    dependencies: d,
  };
}
