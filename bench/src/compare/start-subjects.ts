import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { CompareOptions } from '../options.ts';
import type { Cleanup } from '../processes/cleanup.ts';
import { median } from '../report/statistics.ts';
import { startCeiling } from '../subjects/ceiling.ts';
import { startEmbedded } from '../subjects/embedded.ts';
import { type Holdfast, startHoldfast } from '../subjects/holdfast.ts';
import { completeStoreUrl, storeName } from '../subjects/store-url.ts';
import type { Subject } from '../subjects/subject.ts';

/** How often a Holdfast is started to see how long that takes. */
const STARTS = 3;

/** A subject that was started here. */
export interface Started {
  readonly subject: Subject;
  /** Median from the start of its process to its readiness; undefined: it was not started here, or does not say when it is ready. */
  readonly readyMs: number | undefined;
  /** Ends it before the run's end, so that what it writes at its end can be read. */
  readonly stop: () => Promise<void>;
}

const leave = async (): Promise<void> => undefined;

/** The ceiling first, then each store's Holdfast, then the embedded one, then the targets. */
export async function startSubjects(
  options: CompareOptions,
  folder: string,
  profileFolder: string | undefined,
  cleanup: Cleanup,
): Promise<readonly Started[]> {
  const started: Started[] = [{ subject: await startCeiling(cleanup), readyMs: undefined, stop: leave }];
  for (const [index, store] of options.stores.entries()) {
    const home = join(folder, `store-${index}`);
    const profiles = profileFolder === undefined ? undefined : join(profileFolder, `${index}-${storeName(store)}`);
    started.push(await startStore(store, home, profiles, cleanup));
  }
  if (options.embed) started.push(await startEmbed(folder, profileFolder, cleanup));
  const pid = options.targetPid;
  for (const origin of options.targets)
    started.push({ subject: { name: new URL(origin).host, origin, pid }, readyMs: undefined, stop: leave });
  return started;
}

/** Starts and stops it a few times, each time on an empty store if it is ours, and keeps the last. */
async function startStore(
  store: string,
  home: string,
  profileFolder: string | undefined,
  cleanup: Cleanup,
): Promise<Started> {
  if (profileFolder !== undefined) mkdirSync(profileFolder, { recursive: true });
  const readyMs: number[] = [];
  const start = async (profiles: string | undefined): Promise<Holdfast> => {
    const folder = join(home, String(readyMs.length));
    const options = { name: storeName(store), store: completeStoreUrl(store, folder), folder, profileFolder: profiles };
    const holdfast = await startHoldfast(options);
    readyMs.push(holdfast.readyMs);
    return holdfast;
  };
  while (readyMs.length < STARTS - 1) await (await start(undefined)).stop();
  const kept = await start(profileFolder);
  cleanup.add(kept.stop);
  return { subject: kept, readyMs: median(readyMs), stop: kept.stop };
}

async function startEmbed(folder: string, profileFolder: string | undefined, cleanup: Cleanup): Promise<Started> {
  const profiles = profileFolder === undefined ? undefined : join(profileFolder, 'embed');
  if (profiles !== undefined) mkdirSync(profiles, { recursive: true });
  const embedded = await startEmbedded(`lmdb:${join(folder, 'embed')}`, profiles);
  cleanup.add(embedded.stop);
  return { subject: embedded, readyMs: undefined, stop: embedded.stop };
}
