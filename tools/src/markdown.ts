/** The lines of code blocks, with their fences: from ``` to the next ```, or to the end of the text. */
const CODE_BLOCK = /^([ \t]*)(`{3,}|~{3,})[^\n]*\n[\s\S]*?(?:^[ \t]*\2[ \t]*$|(?![\s\S]))/gm;
const CODE_SPAN = /(`+)(?!`)[\s\S]*?[^`]\1(?!`)/g;
const LINK_TARGET = /\]\([^)\s]*\)/g;
const ADDRESS = /\bhttps?:\/\/[^\s)>]+/g;

/** The text of a Markdown page with its code blocks blanked; every other character keeps its place. */
export const withoutCodeBlocks = (text: string): string => blank(text, CODE_BLOCK);

/** The words of a Markdown page: code, link targets and addresses are blanked, every other character keeps its place. */
export function proseOf(text: string): string {
  return [CODE_SPAN, LINK_TARGET, ADDRESS].reduce(blank, withoutCodeBlocks(text));
}

/** Replaces the characters of each match by blanks, but for line ends, so that offsets and lines stay the same. */
export function blank(text: string, pattern: RegExp): string {
  return text.replace(pattern, (match) => match.replace(/[^\n]/g, ' '));
}
