import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const repository = fileURLToPath(new URL('../../', import.meta.url));

const CORE = 'packages/core/src/engine';
const PROTOCOL = 'packages/protocol/src';
const SERVER = 'packages/server/src';
// Assembled here, so that this file follows the rule that it tests.
const LATER = ['TO', 'DO'].join('');
const TESTS = 'packages/core/test';

/**
 * Each snippet is in a separate file of the named folder; the linter must report exactly the named
 * rules.
 */
const cases: readonly (readonly [claim: string, folder: string, code: string, rules: readonly string[]])[] = [
  ['core reads no clock', CORE, 'export const at = Date.now();', ['no-restricted-globals']],
  ['core makes no dates', CORE, 'export const at = new Date(0);', ['no-restricted-globals']],
  ['core reads no fast clock', CORE, 'export const at = performance.now();', ['no-restricted-globals']],
  ['core has no randomness', CORE, 'export const some = Math.random();', ['no-restricted-properties']],
  ['core borrows no randomness', CORE, 'export const { random } = Math;', ['no-restricted-properties']],
  ['core makes no ids', CORE, 'export const id = crypto.randomUUID();', ['no-restricted-globals']],
  ['core sets no timer', CORE, 'setTimeout(() => undefined, 1);', ['no-restricted-globals']],
  ['core sets no repeated timer', CORE, 'setInterval(() => undefined, 1);', ['no-restricted-globals']],
  ['core defers nothing', CORE, 'setImmediate(() => undefined);', ['no-restricted-globals']],
  ['core queues no microtask', CORE, 'queueMicrotask(() => undefined);', ['no-restricted-globals']],
  ['core has no hidden timer', CORE, 'export const soon = AbortSignal.timeout(1);', ['no-restricted-properties']],
  ['core knows no process', CORE, 'export const { env } = process;', ['no-restricted-globals']],
  ['core takes no detour', CORE, 'export const { Date: Clock } = globalThis;', ['no-restricted-globals']],
  ['core calls nothing', CORE, "export const answer = fetch('http://127.0.0.1');", ['no-restricted-globals']],
  ['core prints nothing', CORE, "console.log('hello');", ['no-console', 'no-restricted-globals']],
  ['core imports nothing of Node', CORE, "export * from 'node:fs';", ['no-restricted-imports']],
  ['core imports no type of Node', CORE, "export type { Server } from 'node:net';", ['no-restricted-imports']],
  [
    'core imports nothing of Node lazily',
    CORE,
    "export const fs = () => import('node:fs');",
    ['no-restricted-imports'],
  ],
  [
    'core names Node by its full name',
    CORE,
    "import { sep } from 'path'; export const x = sep;",
    ['prefer-node-protocol'],
  ],
  ['protocol reads no clock', PROTOCOL, 'export const at = Date.now();', ['no-restricted-globals']],
  ['protocol imports nothing of Node', PROTOCOL, "export * from 'node:os';", ['no-restricted-imports']],
  ['a package can be required', SERVER, 'export const x = await Promise.resolve(1);', ['no-top-level-await']],
  ['a package prints nothing', SERVER, "console.log('hello');", ['no-console']],
  ['no promise floats', SERVER, 'Promise.resolve(1);', ['no-floating-promises']],
  ['no promise floats in a test', TESTS, 'Promise.resolve(1);', ['no-floating-promises']],
  ['no promise is misused', SERVER, '[1].forEach(async () => {});', ['no-misused-promises']],
  ['no promise is taken for its value', SERVER, 'if (Promise.resolve(false)) void 0;', ['no-misused-promises']],
  ['any is not a type', SERVER, 'export const x = {} as any;', ['no-explicit-any', 'no-unsafe-assignment']],
  ['any does not spread', SERVER, "export const x: { a: 1 } = JSON.parse('{}');", ['no-unsafe-assignment']],
  ['the compiler is not silenced', SERVER, "// @ts-ignore\nexport const x: 1 = '1';", ['ban-ts-comment']],
  ['what is thrown is an error', SERVER, "throw 'word';", ['only-throw-error']],
  ['a switch is exhaustive', SERVER, switchOver(), ['switch-exhaustiveness-check']],
  ['work is finished', SERVER, `// ${LATER} export\nexport const x = 1;`, ['no-warning-comments']],
  ['no test is left out', TESTS, testBy('test.skip'), ['no-disabled-tests']],
  ['no test is singled out', TESTS, testBy('test.only'), ['no-focused-tests']],
  ['a test expects something', TESTS, "import { test } from 'vitest'; test('x', () => {});", ['expect-expect']],
  ['a test does not sleep', TESTS, "export { setTimeout } from 'node:timers/promises';", ['no-restricted-imports']],
  ['the engine may count', CORE, 'export const most = Math.max(1, 2);', []],
  ['the codec may use bytes', CORE, "export const bytes = Buffer.from('x');", []],
  ['a property called Date is no clock', CORE, 'export const day = { Date: 1 }.Date;', []],
  ['the command line prints', 'packages/cli/src/commands', "console.log('hello');", []],
  ['the bench prints', 'bench/src', "console.log('hello');", []],
  ['the server has a clock', SERVER, 'export const at = Date.now();', []],
  ['tests have a clock', TESTS, 'export const at = Date.now();', []],
  ['tests look into answers of any shape', TESTS, "export const x = JSON.parse('{}').y;", []],
  ['a handled promise is fine', SERVER, 'export const done = (): Promise<number> => Promise.resolve(1);', []],
];

function switchOver(): string {
  return `export function f(x: 'a' | 'b'): void { switch (x) { case 'a': return; } }`;
}

function testBy(call: string): string {
  return `import { expect, test } from 'vitest'; ${call}('x', () => { expect(1).toBe(1); });`;
}

let folder = '';
let reported = new Map<string, Set<string>>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-lint-'));
  await symlink(join(repository, 'node_modules'), join(folder, 'node_modules'));
  await Promise.all(
    ['.oxlintrc.json', 'tsconfig.base.json'].map((f) => copyFile(join(repository, f), join(folder, f))),
  );
  const config = { extends: './tsconfig.base.json', include: ['packages', 'bench'] };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
  await Promise.all(cases.map((_, index) => write(fileOf(index), cases[index]?.[2] ?? '')));
  reported = await lint();
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the linter', () => {
  test.each(cases.map(([claim, , , rules], index) => [claim, rules, index] as const))('%s', (_, rules, index) => {
    expect([...(reported.get(fileOf(index)) ?? [])].toSorted()).toEqual(rules);
  });
});

function fileOf(index: number): string {
  const path = cases[index]?.[1] ?? '';
  return `${path}/case-${index}${path === TESTS ? '.test' : ''}.ts`;
}

async function write(path: string, code: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), `${code}\n`);
}

async function lint(): Promise<Map<string, Set<string>>> {
  const oxlint = join(repository, 'node_modules/oxlint/bin/oxlint');
  const output = await new Promise<string>((resolve) => {
    execFile(process.execPath, [oxlint, '-f', 'json', 'packages', 'bench'], { cwd: folder }, (_, stdout) =>
      resolve(stdout),
    );
  });
  const { diagnostics } = JSON.parse(output) as { diagnostics: readonly { filename: string; code: string }[] };
  const found = new Map<string, Set<string>>();
  for (const { filename, code } of diagnostics) {
    const rules = found.get(filename) ?? new Set();
    found.set(filename, rules.add(code.replace(/^.*\((.*)\)$/, '$1')));
  }
  return found;
}
