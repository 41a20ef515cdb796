/** One fenced block of a page. */
export interface Block {
  readonly language: string;
  /** From `file=NAME` after the language; blocks of the same file are joined in page order. */
  readonly file: string | undefined;
  readonly text: string;
  /** The number of the block's first line, counted from 1. */
  readonly line: number;
}

/** One command of a `console` block, and its expected output. */
export interface Command {
  readonly text: string;
  /** The command ends in `&` and runs in the background. */
  readonly background: boolean;
  readonly output: readonly string[];
  readonly line: number;
}

/** A page that cannot be run as written; the message contains the line and the reason. */
export class PageError extends Error {
  override readonly name = 'PageError';
}

/** The fenced blocks of a Markdown text. */
export function blocksOf(markdown: string): readonly Block[] {
  const blocks: Block[] = [];
  let open: { language: string; file: string | undefined; lines: string[]; line: number } | undefined;
  for (const [index, line] of markdown.split('\n').entries()) {
    if (!line.startsWith('```')) open?.lines.push(line);
    else if (open === undefined) {
      const [language = '', ...attributes] = line.slice(3).trim().split(/\s+/);
      const file = attributes.find((attribute) => attribute.startsWith('file='))?.slice('file='.length);
      open = { language, file, lines: [], line: index + 1 };
    } else {
      blocks.push({ language: open.language, file: open.file, text: open.lines.join('\n') + '\n', line: open.line });
      open = undefined;
    }
  }
  if (open !== undefined) throw new PageError(`line ${open.line}: this block is never closed`);
  return blocks;
}

/** Languages of blocks that hold pictures or text, not code. */
const NOT_CODE = new Set(['text']);

/**
 * The files written in a page's blocks, by name. Throws for a code block without a file name, since
 * its code would never run.
 */
export function filesOf(blocks: readonly Block[]): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const { language, file, text, line } of blocks) {
    if (language === 'console' || NOT_CODE.has(language)) continue;
    if (file === undefined) throw new PageError(`line ${line}: a block of ${language || 'no language'} names no file`);
    if (!/^[\w-]+(\.[\w-]+)+$/.test(file)) throw new PageError(`line ${line}: ${file} is not a plain file name`);
    files.set(file, (files.get(file) ?? '') + text);
  }
  return files;
}

/** The commands of a page, in page order. */
export function commandsOf(blocks: readonly Block[]): readonly Command[] {
  return blocks.filter(({ language }) => language === 'console').flatMap(commandsOfBlock);
}

function commandsOfBlock({ text, line }: Block): readonly Command[] {
  const commands: (Command & { readonly output: string[] })[] = [];
  for (const [index, words] of text.trimEnd().split('\n').entries()) {
    const at = line + 1 + index;
    if (words.startsWith('$ ')) {
      const background = words.endsWith(' &');
      commands.push({ text: words.slice(2, background ? -2 : undefined), background, output: [], line: at });
    } else if (commands.length === 0) throw new PageError(`line ${at}: a console block begins with a command: $ …`);
    else commands.at(-1)?.output.push(words);
  }
  return commands;
}
