/**
 * The part of `npm run lint` for which oxlint has no rule. Prints one line per violation; exits
 * with code 1 if there are any.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkColumns } from './check-columns.ts';
import { checkErrorText } from './check-error-text.ts';
import { checkIdentifiers } from './check-identifiers.ts';
import { checkImports } from './check-imports.ts';
import { checkInvariants } from './check-invariants.ts';
import { checkLinks } from './check-links.ts';
import { checkManifests } from './check-manifests.ts';
import { checkPage } from './check-phrases.ts';
import { checkSource } from './check-sources.ts';
import { checkStorages } from './check-storages.ts';
import { checkWords } from './check-words.ts';
import type { Finding, SourceFile } from './finding.ts';
import { readBuildReferences, readWorkspaces } from './workspace.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const allPaths = pathsOf(root);
const files = textFilesOf(root, allPaths);
// Not what is on the disk: a clone has none of the built files.
const committed = new Set(allPaths.flatMap((path) => [path, ...foldersOf(path)]));
const workspaces = readWorkspaces(root);

const findings: readonly Finding[] = [
  ...checkManifests(workspaces, readBuildReferences(root)),
  ...files
    .filter(({ path }) => path.endsWith('.ts'))
    .flatMap((file) => [
      ...checkImports(file, workspaces),
      ...(isQuoted(file.path) ? [] : [...checkSource(file), ...checkIdentifiers(file)]),
    ]),
  ...files.filter(({ path }) => /^packages\/[^/]+\/src\//.test(path)).flatMap((file) => checkStorages(file)),
  // The conformance suites are tests.
  ...files
    .filter(({ path }) => /^packages\/(?!conformance\/)[^/]+\/src\/.*\.ts$/.test(path))
    .flatMap((file) => checkErrorText(file)),
  ...files
    .filter(({ path }) => path.endsWith('.md'))
    .flatMap((file) => [
      ...checkLinks(file, (path) => committed.has(path.replace(/\/$/, ''))),
      ...checkColumns(file),
      ...checkPage(file),
    ]),
  ...files.flatMap((file) => checkWords(file)),
  ...checkInvariants(files),
];

for (const { path, line, message } of findings)
  console.log(line === undefined ? `${path}: ${message}` : `${path}:${line}: ${message}`);
console.log(`Checked ${files.length} files in ${workspaces.length} workspaces: ${findings.length} findings.`);
if (findings.length > 0) process.exitCode = 1;

/** Files that quote the phrases: their list, tests of the checks, the previous version. */
function isQuoted(path: string): boolean {
  return (
    path.startsWith('tests/mixed-version/previous/') ||
    /^tools\/(?:src\/(?:phrases|quotations)|test\/.*)\.ts$/.test(path)
  );
}

/** The paths of all files that are, or would be, committed. */
function pathsOf(folder: string): readonly string[] {
  const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: folder,
    encoding: 'utf8',
  });
  return [...new Set(list.split('\0'))].filter((path) => path !== '' && existsSync(join(folder, path)));
}

function foldersOf(path: string): readonly string[] {
  const parts = path.split('/');
  return parts.map((_, depth) => parts.slice(0, depth).join('/') || '.');
}

function textFilesOf(folder: string, paths: readonly string[]): readonly SourceFile[] {
  const texts = paths.map((path) => ({ path, text: readFileSync(join(folder, path), 'utf8') }));
  return texts.filter(({ text }) => !text.includes('\0'));
}
