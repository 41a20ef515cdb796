import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Account } from './account.ts';

/** A temporary folder that belongs to the account a server runs as. */
export async function createDataFolder(label: string, account: Account | undefined): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `holdfast-${label}-`));
  if (account !== undefined) await chown(folder, account.uid, account.gid);
  return folder;
}

/** Removes a data folder with its contents. */
export async function removeDataFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}
