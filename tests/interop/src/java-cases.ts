import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createDataFolder, locate, removeDataFolder, runChild } from '@holdfast/testing/servers';
import { runCaseProgram } from './case-lines.ts';
import type { Cases, Suite } from './suite.ts';

const FOLDER = fileURLToPath(new URL('../java', import.meta.url));

/** dtm's Java client. */
export const JAVA_SUITE: Suite = {
  name: 'java',
  title: "dtm's Java client",
  needs: 'JDK 17 or later and Maven (Debian: default-jdk-headless, maven)',
  build: buildJavaCases,
};

/** Downloads the jars, verifies their hashes, and compiles the cases. */
async function buildJavaCases(): Promise<Cases | undefined> {
  const [maven, javac, java] = [locate('mvn'), locate('javac'), locate('java')];
  if (maven === undefined || javac === undefined || java === undefined) return undefined;
  const folder = await createDataFolder('java-cases', undefined);
  const [jars, classes] = [join(folder, 'jars'), join(folder, 'classes')];
  const abort = new AbortController();
  const stop = async (): Promise<void> => {
    abort.abort();
    await removeDataFolder(folder);
  };
  try {
    const copy = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${jars}`];
    await runChild(maven, ['--quiet', '--batch-mode', ...copy], { cwd: FOLDER });
    await verifyHashes(jars, await readFile(join(FOLDER, 'jars.sha256'), 'utf8'));
    // `-proc:none`: one of the client's jars is a compiler plugin.
    const options = ['-proc:none', '-nowarn', '-d', classes, '-cp', join(jars, '*')];
    await runChild(javac, [...options, ...(await sourcesIn(join(FOLDER, 'src')))]);
  } catch (error) {
    await stop();
    throw error;
  }
  const args = ['-cp', `${classes}:${join(jars, '*')}`, 'interop.cases.Main'];
  const program = { program: java, args, cwd: folder, signal: abort.signal };
  return { run: (targets, pattern) => runCaseProgram(program, targets, pattern), stop };
}

/**
 * Compares the files of a folder with a list as `sha256sum` writes it. Throws when a file is not
 * listed, is missing, or has other contents.
 */
export async function verifyHashes(folder: string, list: string): Promise<void> {
  const lines = await Promise.all(
    (await readdir(folder)).map(async (name) => {
      const hash = createHash('sha256').update(await readFile(join(folder, name)));
      return `${hash.digest('hex')}  ${name}`;
    }),
  );
  const listed = list.split('\n').filter((line) => line !== '');
  const wrong = [
    ...lines.filter((line) => !listed.includes(line)).map((line) => `not listed: ${line}`),
    ...listed.filter((line) => !lines.includes(line)).map((line) => `not found: ${line}`),
  ];
  if (wrong.length > 0) throw new Error(`the jars differ from tests/interop/java/jars.sha256:\n${wrong.join('\n')}`);
}

async function sourcesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true });
  return entries.filter((name) => name.endsWith('.java')).map((name) => join(folder, name));
}
