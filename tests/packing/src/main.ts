import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Consumer, consumersOf } from './consumers.ts';
import { packAll, type PackedPackage } from './packages.ts';
import { mapAtATime } from './at-a-time.ts';
import { countInstalled, install, installPeers, KINDS, use } from './projects.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'holdfast-pack-test-'));
const print = (line: string): boolean => process.stdout.write(`${line}\n`);
const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;

/** npm mostly waits, for the registry or the disk. */
const PACKAGES_AT_A_TIME = 3;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * Tries one package in both kinds of project: a line for the report, and what went wrong.
 */
async function tryPackage(
  one: PackedPackage,
  packed: readonly PackedPackage[],
): Promise<{ readonly line: string; readonly faults: readonly string[] }> {
  const outcomes: string[] = [];
  const faults: string[] = [];
  let installed = 0;
  try {
    const home = await install(one, packed, folder);
    installed = countInstalled(home);
    await installPeers(one, home);
    for (const kind of KINDS) {
      try {
        await use(one, kind, home);
        outcomes.push('works');
      } catch (error) {
        outcomes.push('FAILS');
        faults.push(messageOf(error));
      }
    }
  } catch (error) {
    outcomes.push(...KINDS.map(() => 'FAILS'));
    faults.push(messageOf(error));
  }
  const sizes = [kilobytes(one.packedBytes), kilobytes(one.unpackedBytes), one.files, installed - 1];
  const line = [one.name.padEnd(24), ...[...sizes, ...outcomes].map((cell) => String(cell).padStart(10))].join('');
  return { line, faults };
}

/** Uses all packages the way one kind of project does; returns whether that works. */
async function tryConsumer({ name, run }: Consumer): Promise<boolean> {
  try {
    await run();
    print(`${name.padEnd(30)} works`);
    return true;
  } catch (error) {
    print(`${name.padEnd(30)} FAILS\n${messageOf(error)}`);
    return false;
  }
}

try {
  const packed = await packAll(root, folder);
  const head = ['packed', 'unpacked', 'files', 'packages', 'ESM', 'CommonJS'];
  print(['package'.padEnd(24), ...head.map((cell) => cell.padStart(10))].join(''));
  let failed = 0;
  for (const { line, faults } of await mapAtATime(packed, PACKAGES_AT_A_TIME, (one) => tryPackage(one, packed))) {
    print([line, ...faults].join('\n'));
    if (faults.length > 0) failed++;
  }
  for (const one of await consumersOf(packed, folder)) if (!(await tryConsumer(one))) failed++;
  print(failed === 0 ? 'every package works in every kind of project' : `${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
