/**
 * The lines of code blocks with their fences: from ``` to the next ```, or to the end of the text.
 */
const CODE_BLOCK = /^([ \t]*)(`{3,}|~{3,})[^\n]*\n[\s\S]*?(?:^[ \t]*\2[ \t]*$|(?![\s\S]))/gm;
const CODE_SPAN = /(`+)(?!`)[\s\S]*?[^`]\1(?!`)/g;
const LINK_TARGET = /\]\([^)\s]*\)/g;
const ADDRESS = /\bhttps?:\/\/[^\s)>]+/g;

/**
 * The text of a Markdown page with its code blocks blanked; all other characters keep their
 * offsets.
 */
export const withoutCodeBlocks = (text: string): string => blank(text, CODE_BLOCK);

/**
 * The words of a Markdown page: code, link targets and addresses are blanked, all other characters
 * keep their offsets.
 */
export function proseOf(text: string): string {
  return [CODE_SPAN, LINK_TARGET, ADDRESS].reduce(blank, withoutCodeBlocks(text));
}

/**
 * Replaces the characters of each match, except line ends, by blanks, so that offsets and lines are
 * unchanged.
 */
export function blank(text: string, pattern: RegExp): string {
  return text.replace(pattern, (match) => match.replace(/[^\n]/g, ' '));
}
