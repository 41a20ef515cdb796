import { type Finding, lineAt, type SourceFile } from './finding.ts';
import { blank, proseOf } from './markdown.ts';
import { PHRASES } from './phrases.ts';

/** Table cells that a test compares with texts of the code, word for word. */
const QUOTED: Readonly<Record<string, RegExp>> = {
  'docs/correctness.md': /^\| \*\*[A-Z]+\d\*\*[^|]*\|/gm,
};

/** The phrases, also where a line ends within them. */
const ACROSS_LINES = PHRASES.map(
  ([{ source, flags }, instead]) => [new RegExp(source.replaceAll(' ', String.raw`\s+`), flags), instead] as const,
);

/**
 * Finds the phrases of `phrases.ts` in the words of a Markdown page, without code and quotations of
 * code.
 */
export function checkPage(page: SourceFile): readonly Finding[] {
  const quoted = QUOTED[page.path];
  return checkPhrases(page.path, proseOf(quoted === undefined ? page.text : blank(page.text, quoted)));
}

/**
 * Finds the phrases in `text`, which contains the words of a file, each character at its offset in
 * the file.
 */
export function checkPhrases(path: string, text: string): readonly Finding[] {
  return ACROSS_LINES.flatMap(([pattern, instead]) =>
    [...text.matchAll(pattern)].map((match) => ({
      path,
      line: lineAt(text, match.index),
      message: `"${match[0].replaceAll(/\s+/g, ' ')}": write ${instead}`,
    })),
  );
}
