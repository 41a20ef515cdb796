import { parseSync, Visitor } from 'oxc-parser';
import { checkPhrases } from './check-phrases.ts';
import { type Finding, lineAt, type SourceFile } from './finding.ts';
import { QUOTATIONS } from './quotations.ts';

const COLUMNS = 100;
/** Functions whose first argument is the name of a test or of a group of tests. */
const NAMING = /^(?:it|test|describe|bench|group)\b/;
/** Texts that are SQL or Lua: only their comments are prose. */
const CODE =
  /\b(?:select|insert into|create (?:table|index|function)|alter table|with \w+ as|local function|redis\.call)\b|\blocal \w+(?:, \w+)* =/;

/** A part of a source file that a reader reads as prose. */
interface Prose {
  readonly kind: 'comment' | 'text';
  readonly start: number;
  readonly end: number;
}

/**
 * Finds the phrases of `phrases.ts` in the prose of a TypeScript file: its comments, its texts of
 * several words, and the names of its tests. Other texts in tests are data. Comment lines have at
 * most 100 columns.
 */
export function checkSource(file: SourceFile): readonly Finding[] {
  const prose = proseOf(file);
  return [...checkPhrases(file.path, only(file, prose)), ...prose.flatMap((part) => tooLong(file, part))];
}

/** The text with everything but the prose replaced by blanks, so that offsets stay as they are. */
function only({ path, text }: SourceFile, prose: readonly Prose[]): string {
  let kept = '';
  let at = 0;
  for (const { start, end } of prose) {
    kept += blank(text.slice(at, start)) + withoutQuotations(path, text.slice(start, end));
    at = end;
  }
  return kept + blank(text.slice(at));
}

/** Asterisks keep a phrase from spanning two parts. */
const blank = (text: string): string => text.replaceAll(/[^\n]/g, '*');

/** Code between backquotes, and quotations of other texts, are not prose of this repository. */
function withoutQuotations(path: string, text: string): string {
  let left = text.replaceAll(/`[^`\n]*`/g, blank).replaceAll(/\n\s*\* ?/g, (line) => line.replace('*', ' '));
  for (const [place, quoted] of QUOTATIONS) if (path.startsWith(place)) left = left.replaceAll(quoted, blank);
  return left;
}

function tooLong({ path, text }: SourceFile, { kind, start, end }: Prose): readonly Finding[] {
  if (kind === 'text') return [];
  const from = text.lastIndexOf('\n', start) + 1;
  return text
    .slice(from, end)
    .split('\n')
    .flatMap((line, index) => {
      // A comment behind code belongs to the line of the code, whose length the formatter decides.
      if (line.length <= COLUMNS || (index === 0 && !/^\s*(?:\/\/|\/\*)/.test(line)) || /https?:\/\//.test(line))
        return [];
      const message = `a comment line of ${line.length} columns; the limit is ${COLUMNS}`;
      return [{ path, line: lineAt(text, from) + index, message }];
    });
}

/** The comments of SQL or Lua between two offsets. */
const commentsIn = (text: string, from: number, to: number): readonly Prose[] =>
  [...text.slice(from, to).matchAll(/--(?!>)[^\n]*/g)].map(({ 0: comment, index }) => ({
    kind: 'comment',
    start: from + index,
    end: from + index + comment.length,
  }));

/** The prose in the order of the text. Nothing overlaps. */
function proseOf({ path, text }: SourceFile): readonly Prose[] {
  const { program, comments } = parseSync(path, text);
  const prose: Prose[] = comments.map(({ start, end }) => ({ kind: 'comment', start, end }));
  const isTest = /(?:^|\/)test\//.test(path);
  const add = ({ start, end }: { readonly start: number; readonly end: number }, value: string): void => {
    if (/\s/.test(value)) prose.push({ kind: 'text', start, end });
  };
  const names = new Set<number>();
  new Visitor({
    CallExpression({ callee, arguments: [name] }) {
      if (name !== undefined && NAMING.test(text.slice(callee.start, callee.end))) names.add(name.start);
    },
    Literal(literal) {
      if (typeof literal.value === 'string' && (!isTest || names.has(literal.start))) add(literal, literal.value);
    },
    TemplateLiteral({ start: from, end: to, quasis }) {
      if (isTest && !names.has(from)) return;
      const isCode = CODE.test(text.slice(from, to));
      for (const { start, end, value } of quasis) {
        if (isCode) prose.push(...commentsIn(text, start, end));
        else add({ start, end }, value.raw);
      }
    },
  }).visit(program);
  return prose.toSorted((one, other) => one.start - other.start);
}
