import { withoutSecrets } from '@holdfast/protocol';

/**
 * Text for terminals: colours, widths, wrapping. Pure.
 */
export type Colour = 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold';

const CODES: Readonly<Record<Colour, number>> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 };

export type Paint = (colour: Colour | undefined, text: string) => string;

/** Colours text; returns it unchanged if colours are off. */
export function painter(enabled: boolean): Paint {
  return (colour, text) =>
    enabled && colour !== undefined && text !== '' ? `\u001B[${CODES[colour]}m${text}\u001B[0m` : text;
}

/**
 * Text on one line, without control characters and secrets: a participant's response must not move
 * the cursor or change colours in the operator's terminal.
 */
export const clean = (text: string): string =>
  withoutSecrets(text)
    .replaceAll(/\s+/g, ' ')
    // oxlint-disable-next-line no-control-regex -- matches control characters on purpose
    .replaceAll(/[\u0000-\u001F\u007F-\u009F\u2028-\u202E\u2066-\u2069]/g, '·')
    .trim();

const GRAPHEMES = new Intl.Segmenter('en', { granularity: 'grapheme' });
/** Characters that terminals show two columns wide: East Asian scripts, full-width forms, emoji. */
const WIDE =
  /^(?:[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|\p{Emoji_Presentation})/u;

interface Cell {
  readonly text: string;
  readonly width: number;
}

const cellsOf = (text: string): Cell[] =>
  Array.from(GRAPHEMES.segment(text), ({ segment }) => ({ text: segment, width: WIDE.test(segment) ? 2 : 1 }));

/** Width of a text in columns. */
export const widthOf = (text: string): number => cellsOf(text).reduce((sum, cell) => sum + cell.width, 0);

export const padEnd = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - widthOf(text)));
export const padStart = (text: string, width: number): string => ' '.repeat(Math.max(0, width - widthOf(text))) + text;

/** At most `width` columns; a cut text ends in "…". */
export const cut = (text: string, width: number): string =>
  widthOf(text) <= width ? text : (pieces(text, Math.max(width - 1, 1))[0] ?? '') + '…';

/** Lines of at most `width` columns, broken between words where possible. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (widthOf(longer) <= width) {
      line = longer;
      continue;
    }
    if (line !== '') lines.push(line);
    const parts = pieces(word, width);
    lines.push(...parts.slice(0, -1));
    line = parts.at(-1) ?? '';
  }
  return [...lines, line];
}

/** Splits a word into parts of at most `width` columns. */
function pieces(word: string, width: number): string[] {
  const parts: string[] = [];
  let part = '';
  let taken = 0;
  for (const cell of cellsOf(word)) {
    if (taken + cell.width > width && part !== '') {
      parts.push(part);
      part = '';
      taken = 0;
    }
    part += cell.text;
    taken += cell.width;
  }
  return [...parts, part];
}
