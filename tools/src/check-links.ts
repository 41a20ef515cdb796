import { posix } from 'node:path';
import { lineAt, type Finding, type SourceFile } from './finding.ts';

const LINK = /\]\((?![a-z]+:|#)([^)\s#]+)(?:#[^)\s]*)?\)/g;

/**
 * Checks that each link of a Markdown page to a file of this repository is valid. `exists` is
 * called with a path from the root.
 */
export function checkLinks(page: SourceFile, exists: (path: string) => boolean): readonly Finding[] {
  return [...page.text.matchAll(LINK)].flatMap((match) => {
    const link = match[1] ?? '';
    const target = posix.join(posix.dirname(page.path), link);
    if (exists(target)) return [];
    return [
      { path: page.path, line: lineAt(page.text, match.index), message: `link to ${link}: there is no such file` },
    ];
  });
}
