import { SUITE_NAMES } from '../suite.ts';
import { CALLS } from './calls.ts';
import type { CaseList } from './case-list.ts';
import { CLIENTS } from './clients.ts';
import { DIFFERENCES } from './differences.ts';
import { PATTERNS } from './patterns.ts';
import type { Section } from './section.ts';
import { TOKENS } from './tokens.ts';

const COLUMNS = 120;
/** Every table of the page, in its order. */
export const SECTIONS: readonly Section[] = [...CALLS, ...PATTERNS, ...CLIENTS, ...TOKENS, ...DIFFERENCES];

const INTRODUCTION = `Holdfast speaks dtm's wire protocol: dtm's published clients work with it unchanged. This page
lists every call, pattern, option and client feature of dtm, with Holdfast's behaviour beside it and the cases that show
it. A case runs a published, unmodified client against a coordinator, with real databases, and judges by what happened
in them; see [interop.md](interop.md). The page is generated from the results of \`npm run interop\`, which fails when
its cases are not those of this page. The first word of a case is its language; \`generated\` are clients that were
generated from the published \`.proto\` files. How to bring dtm's configuration and data along is described in
[moving-from-dtm.md](moving-from-dtm.md).`;

/** The page `docs/compatibility.md`, formatted. */
export function renderPage(list: CaseList): string {
  const parts = ['# Compatibility with dtm', wrap(INTRODUCTION), '## Cases', countTable(list)];
  for (const section of SECTIONS) {
    parts.push(`## ${section.title}`);
    if (section.text !== '') parts.push(wrap(section.text));
    const rows = section.rows.map(({ dtm, holdfast, shown }) => [dtm, holdfast, cite(shown)]);
    parts.push(table([section.subject, 'Holdfast', 'shown by'], rows));
  }
  return `${parts.join('\n\n')}\n`;
}

const cite = (shown: readonly string[]): string => shown.map((name) => `\`${name}\``).join(', ');

function countTable(list: CaseList): string {
  const suites = SUITE_NAMES.filter((suite) => list[suite] !== undefined);
  const groups = [...new Set(suites.flatMap((suite) => Object.keys(list[suite] ?? {})))].toSorted();
  const count = (suite: (typeof suites)[number], group: string): number => list[suite]?.[group]?.length ?? 0;
  const rows = groups.map((group) => [group, ...suites.map((suite) => String(count(suite, group) || ''))]);
  const totals = suites.map((suite) => String(groups.reduce((sum, group) => sum + count(suite, group), 0)));
  return table(['group', ...suites], [...rows, ['**all**', ...totals]]);
}

/** A table with columns of equal width, as the formatter of this repository writes it. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((text, column) => Math.max(3, text.length, ...rows.map((cells) => cells[column]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((text, column) => text.padEnd(widths[column]!)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** Fills lines of at most `COLUMNS` columns. */
function wrap(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= COLUMNS) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.join('\n');
}
