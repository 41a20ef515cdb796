import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { type CaseList, caseListOf, differences, keysOf } from '../src/compatibility/case-list.ts';
import { PAGE_FILE, readCaseList } from '../src/compatibility/files.ts';
import { renderPage, SECTIONS } from '../src/compatibility/render-page.ts';
import type { Outcome } from '../src/outcome.ts';
import { SUITE_NAMES, type SuiteOutcomes } from '../src/suite.ts';

const list = await readCaseList();
const cited = SECTIONS.flatMap(({ rows }) => rows.flatMap(({ shown }) => shown));

function results(...outcomes: Outcome[]): readonly SuiteOutcomes[] {
  return [{ suite: { name: 'go', title: '', needs: '', build: async () => undefined }, outcomes }];
}

function outcome(name: string, verdict: Outcome['verdict'] = 'pass'): Outcome {
  return { group: 'Saga', name, verdict, durationMs: 1, detail: '' };
}

it('the committed page is what the committed list of cases generates', async () => {
  expect(await readFile(PAGE_FILE, 'utf8')).toBe(renderPage(list));
});

it('every cited case has passed in a run', () => {
  const known = SUITE_NAMES.flatMap((suite) => keysOf(list, suite).map((key) => `${suite} ${key}`));
  expect(cited.filter((reference) => !known.includes(reference))).toEqual([]);
});

it('every group of cases is cited', () => {
  const groups = SUITE_NAMES.flatMap((suite) => Object.keys(list[suite] ?? {}).map((group) => `${suite} ${group}/`));
  expect(groups.filter((group) => !cited.some((reference) => reference.startsWith(group)))).toEqual([]);
});

it('the page has every method and every option of the published .proto file', async () => {
  const file = fileURLToPath(new URL('../../../packages/protocol/proto/dtmgimp.proto', import.meta.url));
  const proto = await readFile(file, 'utf8');
  const [, options = ''] = /message DtmTransOptions \{([^}]*)\}/.exec(proto) ?? [];
  const methods = [...proto.matchAll(/rpc (\w+)\(/g)].map(([, name]) => `\`${name}\``);
  const fields = [...options.matchAll(/(\w+) = \d+;/g)].map(([, name]) => `\`${name}\``);
  expect([methods.length, fields.length]).toEqual([9, 6]);
  const page = renderPage(list);
  expect([...methods, ...fields].filter((name) => !page.includes(name))).toEqual([]);
});

it('a run with other cases than the committed ones fails, and names them', () => {
  const committed: CaseList = { go: { Saga: ['a', 'b'] } };
  expect(differences(committed, results(outcome('a'), outcome('b')))).toEqual([]);
  expect(differences(committed, results(outcome('a'), outcome('c')))).toMatchObject([
    { verdict: 'fail', detail: 'not listed: Saga/c\nnot run: Saga/b\nrun npm run interop -- --write-docs' },
  ]);
});

it('a run with a case that was skipped or has failed is not compared', () => {
  expect(differences({ go: {} }, results(outcome('a'), outcome('b', 'skip')))).toEqual([]);
});

it('the list of cases is sorted', () => {
  expect(caseListOf(results(outcome('b'), outcome('a')))).toEqual({ go: { Saga: ['a', 'b'] } });
});
