import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CpuProfile, type ProfileSummary, summarizeProfile } from './cpu-profile.ts';

/** Summarizes a profile in a file. */
export const readProfile = (path: string): ProfileSummary =>
  summarizeProfile(JSON.parse(readFileSync(path, 'utf8')) as CpuProfile);

/** All profiles below a folder. */
export function profilesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.cpuprofile'))
    .toSorted()
    .map((name) => join(folder, name));
}
