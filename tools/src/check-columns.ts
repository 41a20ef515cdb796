import type { Finding, SourceFile } from './finding.ts';
import { withoutCodeBlocks } from './markdown.ts';

const COLUMNS = 120;

/** The lines of a Markdown page have at most 120 columns, outside tables and code blocks. */
export function checkColumns(page: SourceFile): readonly Finding[] {
  return withoutCodeBlocks(page.text)
    .split('\n')
    .flatMap((line, index) => {
      const columns = line.trimEnd().length;
      if (columns <= COLUMNS || line.trimStart().startsWith('|')) return [];
      return [{ path: page.path, line: index + 1, message: `has ${columns} columns; the limit is ${COLUMNS}` }];
    });
}
