import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { PRIVATE_DATABASES } from '../databases/private-databases.ts';
import { type Database, startDatabase } from '../databases/start-database.ts';
import type { CompareOptions } from '../options.ts';
import type { Cleanup } from '../processes/cleanup.ts';
import { median } from '../report/statistics.ts';
import { startEmbedded } from '../subjects/embedded.ts';
import { type Holdfast, startHoldfast } from '../subjects/holdfast.ts';
import { completeStoreUrl, storeName } from '../subjects/store-url.ts';
import type { Subject } from '../subjects/subject.ts';

/** Number of starts of a Holdfast by which its start time is measured. */
const STARTS = 3;
const REASON_CHARS = 400;

/** A subject that is measured against the ceiling. */
export interface Started {
  readonly subject: Subject;
  /**
   * Median time from the start of its process to its readiness; undefined: it was not started here,
   * or does not report its readiness.
   */
  readonly readyMs: number | undefined;
  /** Its database, if that was started here. */
  readonly database?: Database | undefined;
  /** Stops the subject before the end of the run, so that files written at its exit can be read. */
  readonly stop: () => Promise<void>;
  /** For a subject of the other checkout: name of its counterpart from this checkout. */
  readonly comparedWith?: string | undefined;
}

/** A store that cannot be measured here. */
export interface LeftOut {
  readonly name: string;
  readonly reason: string;
  /** True if its coordinator did not start; false if a program is not installed. */
  readonly failed: boolean;
}

/** The checkout from which a coordinator is started, and the folders of its files. */
interface Where {
  readonly home: string;
  readonly checkout?: string;
  readonly profileFolder: string | undefined;
}

/**
 * Starts the Holdfast of each store (with `against`, followed by the other checkout's), then the
 * embedded one, then the targets.
 */
export async function startSubjects(
  options: CompareOptions,
  folder: string,
  profileFolder: string | undefined,
  cleanup: Cleanup,
): Promise<{ readonly started: readonly Started[]; readonly leftOut: readonly LeftOut[] }> {
  const started: Started[] = [];
  const leftOut: LeftOut[] = [];
  for (const [index, store] of options.stores.entries()) {
    const home = join(folder, `store-${index}`);
    const profiles = profileFolder === undefined ? undefined : join(profileFolder, `${index}-${storeName(store)}`);
    const result = await startStore(store, { home, profileFolder: profiles }, cleanup).catch((error: unknown) =>
      couldNotStart(store, error),
    );
    if ('subject' in result) started.push(result);
    else if (options.leaveOut) leftOut.push(result);
    else throw new Error(`${result.name}: ${result.reason}`);
    if ('subject' in result && options.against !== undefined)
      started.push(await startOther(store, options.against, join(folder, `against-${index}`), cleanup));
  }
  if (options.embed) started.push(await startEmbed(folder, profileFolder, cleanup));
  const pid = options.targetPid;
  const stop = async (): Promise<void> => undefined;
  for (const origin of options.targets)
    started.push({ subject: { name: new URL(origin).host, origin, pid }, readyMs: undefined, stop });
  return { started, leftOut };
}

const couldNotStart = (store: string, error: unknown): LeftOut => ({
  name: storeName(store),
  reason: (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ').slice(0, REASON_CHARS),
  failed: true,
});

/** The other checkout's Holdfast on a separate store of the same kind. */
async function startOther(store: string, checkout: string, home: string, cleanup: Cleanup): Promise<Started> {
  const result = await startStore(store, { home, checkout, profileFolder: undefined }, cleanup);
  if (!('subject' in result)) throw new Error(`${result.name}: ${result.reason}`);
  const { name } = result.subject;
  return { ...result, subject: { ...result.subject, name: `${name} (other)` }, comparedWith: name };
}

/** Also starts the store's database, if it is one of `PRIVATE_DATABASES`. */
async function startStore(store: string, where: Where, cleanup: Cleanup): Promise<Started | LeftOut> {
  const known = PRIVATE_DATABASES.find(({ name }) => name === store);
  if (known === undefined) return startCoordinator(store, undefined, where, cleanup);
  const database = await startDatabase(known, cleanup);
  if (database === undefined) return { name: known.name, reason: `${known.program} is not installed`, failed: false };
  return startCoordinator(store, database, where, cleanup);
}

/**
 * Starts and stops the coordinator several times, each time on an empty store if its folder was
 * created here, and keeps the last one.
 */
async function startCoordinator(
  store: string,
  database: Database | undefined,
  { home, checkout, profileFolder }: Where,
  cleanup: Cleanup,
): Promise<Started> {
  if (profileFolder !== undefined) mkdirSync(profileFolder, { recursive: true });
  const readyMs: number[] = [];
  const start = async (profiles: string | undefined): Promise<Holdfast> => {
    const folder = join(home, String(readyMs.length));
    const url = database?.url ?? completeStoreUrl(store, folder);
    const holdfast = await startHoldfast({
      name: storeName(store),
      store: url,
      folder,
      checkout,
      profileFolder: profiles,
    });
    readyMs.push(holdfast.readyMs);
    return holdfast;
  };
  while (readyMs.length < STARTS - 1) await (await start(undefined)).stop();
  const kept = await start(profileFolder);
  cleanup.add(kept.stop);
  const subject: Subject = { ...kept, databasePid: database?.pid };
  return { subject, readyMs: median(readyMs), database, stop: kept.stop };
}

async function startEmbed(folder: string, profileFolder: string | undefined, cleanup: Cleanup): Promise<Started> {
  const profiles = profileFolder === undefined ? undefined : join(profileFolder, 'embed');
  if (profiles !== undefined) mkdirSync(profiles, { recursive: true });
  const embedded = await startEmbedded(`lmdb:${join(folder, 'embed')}`, profiles);
  cleanup.add(embedded.stop);
  return { subject: embedded, readyMs: undefined, stop: embedded.stop };
}
