import { describe, expect, it } from 'vitest';
import { matchesStart, matchesWhole } from '../src/match-output.ts';
import { blocksOf, commandsOf, filesOf, PageError } from '../src/page.ts';

const PAGE = `# A page

\`\`\`ts file=a.ts
const a = 1;
\`\`\`

Then

\`\`\`ts file=a.ts
console.log(a);
\`\`\`

\`\`\`text
a picture
\`\`\`

\`\`\`console
$ node b.js &
listening
$ node a.js
1
\`\`\`
`;

describe('a page', () => {
  it('yields files, joined from their blocks', () => {
    expect([...filesOf(blocksOf(PAGE))]).toEqual([['a.ts', 'const a = 1;\nconsole.log(a);\n']]);
  });

  it('yields its commands with their expected output', () => {
    expect(commandsOf(blocksOf(PAGE))).toEqual([
      { text: 'node b.js', background: true, output: ['listening'], line: 18 },
      { text: 'node a.js', background: false, output: ['1'], line: 20 },
    ]);
  });

  it.each([
    ['a block of code that no file holds', '```ts\nx\n```\n', 'line 1: a block of ts names no file'],
    ['a block that is not closed', 'text\n```ts file=a.ts\n', 'line 2: this block is never closed'],
    ['a path', '```ts file=../a.ts\n```\n', 'is not a plain file name'],
  ])('is rejected for %s', (_what, markdown, message) => {
    expect(() => filesOf(blocksOf(markdown))).toThrow(PageError);
    expect(() => filesOf(blocksOf(markdown))).toThrow(message);
  });

  it('is rejected for output without a command', () => {
    expect(() => commandsOf(blocksOf('```console\n1\n```\n'))).toThrow('line 2: a console block begins with a command');
  });
});

describe('what a command prints', () => {
  it.each([
    [['moved 30'], 'moved 30\n', true],
    [['moved 30'], '\u001B[32mmoved 30\u001B[0m  \n', true],
    [['moved 30'], 'moved 30\nand more\n', false],
    [['moved 30'], 'moved 3\n', false],
    [['gid …', 'done (1.5)'], 'gid 01m\ndone (1.5)\n', true],
    [['gid …', 'done (1.5)'], 'gid 01m\ndone (1x5)\n', false],
    [['first', '…', 'last'], 'first\n2\n3\nlast\n', true],
    [['first', '…', 'last'], 'first\nlast\n', true],
    [['first', '…', 'last'], 'first\nlast\nmore\n', false],
    [[], '', true],
    [[], 'x\n', false],
  ])('%j matches %j: %s', (expected, printed, matches) => {
    expect(matchesWhole(expected, printed)).toBe(matches);
  });

  it('in the background is compared with the beginning of its output', () => {
    expect(matchesStart(['listening'], 'listening\nmore\n')).toBe(true);
    expect(matchesStart(['listening'], '')).toBe(false);
  });
});
