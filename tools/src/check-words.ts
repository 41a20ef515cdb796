import { posix } from 'node:path';
import { lineAt, type Finding, type SourceFile } from './finding.ts';

/**
 * Texts that must not occur in this repository, and why. The patterns do not match themselves; a
 * home directory of one letter, as in `/home/x`, is allowed as an example.
 */
const FORBIDDEN: readonly (readonly [pattern: RegExp, message: string])[] = [
  [/\/work\/|(?<![\w.-])\/(?:home|Users|root)\/[\w.]{2,}/g, 'a path of one machine'],
  [/registry\.(?:npmjs|yarnpkg)\.|proxy\.golang\.|"resolved": "https?:/g, "a package registry's address"],
  [/\bissues? (?:no\. |number )?#?\d+/gi, 'the number of an issue: describe its subject instead'],
];

/**
 * Keeps traces of individual machines and of the development process out of the repository, which
 * must make sense wherever it is cloned.
 */
export function checkWords(file: SourceFile): readonly Finding[] {
  const words = FORBIDDEN.flatMap(([pattern, message]) =>
    [...file.text.matchAll(pattern)].map((match) => finding(file, match.index, `"${match[0]}": ${message}`)),
  );
  return [...words, ...checkRelativePaths(file)];
}

/** A path such as `../../other` that leads out of the repository is valid on one machine only. */
function checkRelativePaths(file: SourceFile): readonly Finding[] {
  return [...file.text.matchAll(/(?<![\w./])(?:\.\.\/)+(?=\w)/g)].flatMap((match) => {
    const target = posix.join(posix.dirname(file.path), match[0]);
    const leaves = target.startsWith('..');
    return leaves ? [finding(file, match.index, `"${match[0]}": leads out of the repository`)] : [];
  });
}

function finding(file: SourceFile, offset: number, message: string): Finding {
  return { path: file.path, line: lineAt(file.text, offset), message };
}
