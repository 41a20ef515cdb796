import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Cleanup } from '../processes/cleanup.ts';
import { type Holdfast, type HoldfastOptions, startHoldfast } from '../subjects/holdfast.ts';
import { completeStoreUrl, storeName } from '../subjects/store-url.ts';

/** Where several coordinators have their files. */
export interface Place {
  readonly folder: string;
  /** Where each writes its CPU profile; undefined: none. */
  readonly profileFolder: string | undefined;
  readonly cleanup: Cleanup;
}

/** Starts one of several coordinators, each on an empty store of the same kind. */
export async function startAlike(
  name: string,
  store: string,
  { folder, profileFolder, cleanup }: Place,
  more: Pick<HoldfastOptions, 'args' | 'authority'> = {},
): Promise<Holdfast> {
  const fileName = name.replaceAll(/\W+/g, '-');
  const home = join(folder, fileName);
  const profiles = profileFolder === undefined ? undefined : join(profileFolder, fileName);
  if (profiles !== undefined) mkdirSync(profiles, { recursive: true });
  const holdfast = await startHoldfast({
    name: `${storeName(store)}, ${name}`,
    store: completeStoreUrl(store, home),
    folder: home,
    profileFolder: profiles,
    ...more,
  });
  cleanup.add(holdfast.stop);
  return holdfast;
}
