import { describe, expect, test } from 'vitest';
import { checkSource } from '../src/check-sources.ts';

const findings = (text: string, path = 'packages/core/src/a.ts'): readonly string[] =>
  checkSource({ path, text }).map(({ line, message }) => `${line}: ${/"([^"]*)"/.exec(message)?.[1] ?? message}`);

describe('the prose of a source file', () => {
  test.each([
    ['// the service answers', 'answers'],
    ['/** A table of its own. */', 'of its own'],
    ["log.warn('the node lets go');", 'lets go'],
    ['fail(`${count} of them go on`);', 'go on'],
    ['x = `${a} lets go ${b}`;', 'lets go'],
  ])('does not contain the phrases that have a better word: %s', (text, phrase) => {
    expect(findings(`const a = 1;\n${text}`)).toEqual([`2: ${phrase}`]);
  });

  test('includes a phrase that a comment continues in its next line', () => {
    expect(findings('/**\n * The work goes\n * on.\n */\nlet a;')).toEqual(['2: goes on']);
  });

  test('does not include names, single words, code in backquotes, or neighbouring texts', () => {
    expect(findings("import './answer.ts';\nconst answer = 'answered'; // see `answers(x)`")).toEqual([]);
    expect(findings("f('it goes', 'on the table');")).toEqual([]);
  });

  test('includes the comments of SQL and Lua, but not their names', () => {
    expect(findings('const a = `select gone on it -- no longer asked\nfrom b`;')).toEqual(['1: asked']);
    expect(findings('const a = `local looked, last = 0, 1 -- looked\nlooked = 2`;')).toEqual(['1: looked']);
  });

  test('consists of the names of tests and the comments, in a test', () => {
    const text =
      "it('answers', () => {});\nit.each([1])('goes on with %s', f);\nexpect(a).toBe('it answers');\n// asks\n";
    expect(findings(text, 'packages/core/test/a.test.ts')).toEqual(['2: goes on', '4: asks']);
  });
});

describe('a comment', () => {
  const long = 'word '.repeat(25).trim();

  test('has lines of at most 100 columns', () => {
    expect(findings(`let a;\n// ${long}\n`)).toEqual(['2: a comment line of 127 columns; the limit is 100']);
    expect(findings(`/**\n * ${long}\n */\nlet a;`)).toEqual(['2: a comment line of 127 columns; the limit is 100']);
  });

  test('may contain a longer URL, or be behind code', () => {
    expect(findings(`// https://example.org/${'x'.repeat(100)}\nlet a; // ${'x'.repeat(100)}`)).toEqual([]);
  });
});
