import { describe, expect, test } from 'vitest';
import { checkColumns } from '../src/check-columns.ts';
import { checkPage } from '../src/check-phrases.ts';

describe('the words of a page', () => {
  const phrases = (text: string, path = 'docs/a.md'): readonly (string | undefined)[] =>
    checkPage({ path, text }).map(({ line, message }) => `${line}: ${/"([^"]*)"/.exec(message)?.[1]}`);

  test.each([
    ['the service answers', 'answers'],
    ['ten seconds unless said', 'said'],
    ['a transaction needs a person', 'a person'],
    ['what became of it', 'what became of'],
    ['the node lets go', 'lets go'],
    ['a table of its own', 'of its own'],
    ['the time-out is over.', 'time-out'],
    ['the session is over.', 'is over'],
    ['a caller gives up', 'gives up'],
    ['this is no error', 'is no'],
    ['one gid a line', 'one gid a line'],
    ['the request is refused', 'refused'],
    ['work goes\non', 'goes on'],
  ])('do not contain the phrases that have a better word: %s', (text, phrase) => {
    expect(phrases(`# Title\n\n${text}`)).toContainEqual(`3: ${phrase}`);
  });

  test('may use such words for what they mean', () => {
    const text = 'There is no error. It is no longer there. It looks like a break. The connection was refused.';
    expect(phrases(text)).toEqual([]);
  });

  test('do not include code, link targets and addresses', () => {
    const text = '`answer`\n\n```\nanswer\n```\n\n[page](answer.md) https://example.org/answer\n\n~~~\nanswer';
    expect(phrases(text)).toEqual([]);
    expect(phrases('```\ncode\n```\n\nan answer')).toEqual(['5: answer']);
  });

  test('do not include cells that quote the code', () => {
    const text = '| **G1** name for people |\n| other | an answer |';
    expect(phrases(text, 'docs/correctness.md')).toEqual(['2: answer']);
    expect(phrases(text)).toHaveLength(2);
  });
});

describe('a line of a page', () => {
  const long = 'word '.repeat(25).trim();

  test('has at most 120 columns', () => {
    expect(checkColumns({ path: 'docs/a.md', text: `${'é'.repeat(120)}\n${long}` })).toEqual([
      { path: 'docs/a.md', line: 2, message: 'has 124 columns; the limit is 120' },
    ]);
  });

  test('may be longer in a table or a code block', () => {
    expect(checkColumns({ path: 'docs/a.md', text: `| ${long} |\n\n\`\`\`\n${long}\n\`\`\`` })).toEqual([]);
  });
});
