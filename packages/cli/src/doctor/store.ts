import { existsSync } from 'node:fs';
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type Store, type StoreCapabilities, StoreError } from '@holdfast/core/store';
import type { StoreTls } from '@holdfast/core/store-kit';
import { ConfigError } from '@holdfast/server/config';
import { storeOf } from '@holdfast/server/store';
import { type Check, fail, type Finding, ok, warn } from './finding.ts';

const MIB = 1024 * 1024;
const LEAST_FREE_BYTES = 100 * MIB;
const ENOUGH_FREE_BYTES = 1024 * MIB;
const SLOW_SYNC_MS = 50;
const DRIFT_MS = 1_000;
const WRITES = 5;
const PROBE = { namespace: 'default', category: 'doctor', key: 'probe' };

/** Checks that the store can be opened, written and synced, and compares its clock. */
export const storeCheck = (url: string, tls: StoreTls = {}): Check => ({
  name: 'store',
  run: () =>
    url.startsWith('lmdb:') ? lmdb(url.slice('lmdb:'.length).replace(/^\/\/(?=\/|\.)/, '')) : probe(url, tls),
});

/** A missing directory is not created by the check: a temporary one beside it is tried instead. */
async function lmdb(path: string): Promise<readonly Finding[]> {
  if (path === '') return probe('lmdb:', {});
  const folder = nearestFolder(resolve(path));
  const space = await freeSpace(folder);
  if (existsSync(path)) return [space, ...(await probe(`lmdb:${path}`, {}))];
  const parent = dirname(resolve(path));
  if (folder !== parent)
    return [
      space,
      fail(
        'store',
        `${path} cannot be created: there is no folder ${parent}`,
        'correct the path, or create that folder',
      ),
    ];
  let temporary: string;
  try {
    temporary = await mkdtemp(join(folder, '.holdfast-doctor-'));
  } catch (error) {
    const fix = 'give this user permission to write there, or choose another directory';
    return [space, fail('store', `${path} does not exist and cannot be created: ${messageOf(error)}`, fix)];
  }
  try {
    return [space, ...(await probe(`lmdb:${temporary}`, {}))];
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

const nearestFolder = (path: string): string => (existsSync(path) ? path : nearestFolder(dirname(path)));

async function freeSpace(folder: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(folder);
  return checkFreeBytes(bavail * bsize);
}

/** Checks the free disk space of an embedded store. */
export function checkFreeBytes(bytes: number): Finding {
  const found = `${Math.floor(bytes / MIB)} MiB free`;
  const fix = 'free disk space, shorten --retention, or move the store';
  if (bytes < LEAST_FREE_BYTES) return fail('disk', found, fix);
  return bytes < ENOUGH_FREE_BYTES ? warn('disk', found, fix) : ok('disk', found);
}

async function probe(url: string, tls: StoreTls): Promise<readonly Finding[]> {
  let store: Store;
  const warnings: string[] = [];
  try {
    store = await storeOf(url, (text) => warnings.push(text), tls);
    await store.open();
  } catch (error) {
    return [refusal(error, url)];
  }
  try {
    return await writeAndQuery(store, warnings);
  } finally {
    await store.close();
  }
}

/** Whether the store consists of files on this machine. */
const onDisk = (url: string): boolean => url.startsWith('lmdb:');

function refusal(error: unknown, url: string): Finding {
  const found = messageOf(error);
  if (error instanceof ConfigError) return fail('store', found, 'correct --store');
  if (!(error instanceof StoreError)) return fail('store', found, 'check the path and the permissions of this user');
  switch (error.code) {
    case 'locked':
      return warn('store', found, 'expected if that process is the coordinator; to check the store, stop it first');
    case 'unsupported_format':
      return fail('store', found, 'use the version that wrote the store, or a newer one');
    case 'invalid':
      return fail('store', found, 'correct --store');
    default:
      return fail(
        'store',
        found,
        onDisk(url)
          ? 'check the path, the disk and the permissions of this user'
          : 'check that the server is running, the URL, the network, and the privileges of the user',
      );
  }
}

/** Fixes for stores that are not durable. */
const LOSSES: Readonly<Record<string, string>> = {
  memory: 'its contents are lost at exit; for anything but tests, use --store lmdb:PATH',
  postgres: 'a crash may lose acknowledged transactions: set fsync, full_page_writes and synchronous_commit to on',
  redis:
    'a crash may lose acknowledged transactions: set appendonly yes, appendfsync always and maxmemory-policy noeviction',
};

/** Wording for stores whose durability takes more than a sync. */
const DURABLE: Readonly<Record<string, string>> = {
  redis: 'synced (appendfsync always), no eviction (maxmemory-policy noeviction)',
};

async function writeAndQuery(store: Store, warnings: readonly string[]): Promise<readonly Finding[]> {
  const started = performance.now();
  for (let n = 0; n < WRITES; n++) {
    const there = await store.kvGet(PROBE);
    await store.kvPut(PROBE, String(n), there?.version ?? 0);
  }
  const eachMs = (performance.now() - started) / WRITES;
  const there = await store.kvGet(PROBE);
  if (there !== undefined) await store.kvDelete(PROBE, there.version);
  return [
    checkWrites(store.capabilities, eachMs, warnings),
    checkDrift('store clock', (await store.nowMs()) - Date.now()),
  ];
}

/** Checks the durability of a store and the duration of a write. */
export function checkWrites(
  { name, durable }: Pick<StoreCapabilities, 'name' | 'durable'>,
  eachMs: number,
  warnings: readonly string[],
): Finding {
  const written = `${name}: schema known, ${WRITES} writes, ${eachMs.toFixed(1)} ms each`;
  if (!durable)
    return warn(
      'store',
      [`${written}; not durable`, ...warnings].join('; '),
      LOSSES[name] ?? 'see the warning that the coordinator logs when it starts',
    );
  const kept = DURABLE[name] ?? 'synced';
  if (eachMs > SLOW_SYNC_MS) return warn('store', `${written}, ${kept}; slow`, 'use a local disk with a fast sync');
  return ok('store', `${written}, ${kept}`);
}

/** Checks the difference between another clock and this machine's. */
export function checkDrift(check: string, driftMs: number): Finding {
  const found = `${Math.round(driftMs)} ms apart from the clock of this machine`;
  if (Math.abs(driftMs) <= DRIFT_MS) return ok(check, found);
  return warn(check, found, 'synchronise both clocks by NTP; displayed times are wrong, decisions are not affected');
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
