import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Consumer, consumersOf } from './consumers.ts';
import { packAll, type PackedPackage } from './packages.ts';
import { countInstalled, install, KINDS, use } from './projects.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'holdfast-pack-test-'));
const print = (line: string): boolean => process.stdout.write(`${line}\n`);
const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;

/** Tries one package in both kinds of project. Returns whether it works in both. */
async function tryPackage(one: PackedPackage, packed: readonly PackedPackage[]): Promise<boolean> {
  const outcomes: string[] = [];
  const faults: string[] = [];
  let installed = 0;
  for (const kind of KINDS) {
    try {
      const home = await install(one, packed, kind, folder);
      installed = countInstalled(home);
      await use(one, kind, home);
      outcomes.push('works');
    } catch (error) {
      outcomes.push('FAILS');
      faults.push(error instanceof Error ? error.message : String(error));
    }
  }
  const sizes = [kilobytes(one.packedBytes), kilobytes(one.unpackedBytes), one.files, installed - 1];
  print([one.name.padEnd(24), ...[...sizes, ...outcomes].map((cell) => String(cell).padStart(10))].join(''));
  for (const fault of faults) print(fault);
  return faults.length === 0;
}

/** Uses all packages the way one kind of project does; returns whether that works. */
async function tryConsumer({ name, run }: Consumer): Promise<boolean> {
  try {
    await run();
    print(`${name.padEnd(30)} works`);
    return true;
  } catch (error) {
    print(`${name.padEnd(30)} FAILS\n${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

try {
  const packed = await packAll(root, folder);
  const head = ['packed', 'unpacked', 'files', 'packages', 'ESM', 'CommonJS'];
  print(['package'.padEnd(24), ...head.map((cell) => cell.padStart(10))].join(''));
  let failed = 0;
  for (const one of packed) if (!(await tryPackage(one, packed))) failed++;
  for (const one of await consumersOf(packed, folder)) if (!(await tryConsumer(one))) failed++;
  print(failed === 0 ? 'every package works in every kind of project' : `${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
