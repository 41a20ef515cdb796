import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { blocksOf, type Command, commandsOf, filesOf, PageError } from './page.ts';

/** A page that was written into a separate folder, ready to be run. */
export interface WrittenPage {
  readonly name: string;
  readonly folder: string;
  readonly commands: readonly Command[];
}

/**
 * Writes the code of a page into a folder, with every well-known port replaced by a free one: the
 * pages use ports such as 36789 and 5432, which may be taken on the machine that runs the tests.
 */
export function writePage(
  name: string,
  markdown: string,
  folder: string,
  portOf: (wellKnown: number) => number,
): WrittenPage {
  const replaced = markdown.replaceAll(WELL_KNOWN_PORT, (port) => String(portOf(Number(port))));
  const blocks = blocksOf(replaced);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  // A reader's project has a package.json; without one, npx would run commands in the nearest
  // parent folder that has one.
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  for (const [file, text] of filesOf(blocks)) writeFileSync(join(folder, file), text);
  return { name, folder, commands: commandsOf(blocks) };
}

/**
 * Ports used in the pages: the coordinator's, services' (8080 to 8089), PostgreSQL's, MariaDB's and
 * Redis's.
 */
export const WELL_KNOWN_PORT = /\b(?:36789|808\d|5432|3306|6379)\b/g;

/**
 * Compiles the TypeScript of all pages below `folder` beside its sources, with the `tsconfig.json`
 * that `readme` (the guide's first page, as Markdown) prints. Throws `PageError` with the
 * compiler's output.
 */
export async function compilePages(folder: string, readme: string): Promise<void> {
  const config = filesOf(blocksOf(readme)).get('tsconfig.json');
  if (config === undefined) throw new PageError('the README of the guide prints no tsconfig.json');
  writeFileSync(join(folder, 'tsconfig.json'), config);
  const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
  try {
    await promisify(execFile)(process.execPath, [compiler, '--project', folder, '--pretty', 'false'], { cwd: folder });
  } catch (error) {
    const output = error instanceof Error && 'stdout' in error ? String(error.stdout) : String(error);
    throw new PageError(`the code of the guide does not compile:\n${output}`, { cause: error });
  }
}
