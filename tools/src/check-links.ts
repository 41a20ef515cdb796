import { posix } from 'node:path';
import { lineAt, type Finding, type SourceFile } from './finding.ts';

const LINK = /\]\((?![a-z]+:|#)([^)\s#]+)(?:#[^)\s]*)?\)/g;

/** A path from the root in code quotes, without placeholders (`NAME`), and not of a built file. */
const PATH =
  /`((?:packages|tests|testing|tools|deploy|docs|bench|examples)\/(?![^`]*(?:\b(?:dist|cjs|results)\/|[A-Z]{4}))[\w./-]+)`/g;

/**
 * Checks that each link of a Markdown page to a file of this repository is valid, and that each
 * path in code quotes exists. `exists` is called with a path from the root.
 */
export function checkLinks(page: SourceFile, exists: (path: string) => boolean): readonly Finding[] {
  const missing = (match: RegExpExecArray, message: string): Finding => ({
    path: page.path,
    line: lineAt(page.text, match.index),
    message: `${message}: there is no such file`,
  });
  const links = [...page.text.matchAll(LINK)].flatMap((match) => {
    const link = match[1] ?? '';
    const target = posix.join(posix.dirname(page.path), link);
    return exists(target) ? [] : [missing(match, `link to ${link}`)];
  });
  const paths = [...page.text.matchAll(PATH)].flatMap((match) => {
    const path = match[1] ?? '';
    return exists(path) ? [] : [missing(match, path)];
  });
  return [...links, ...paths];
}
