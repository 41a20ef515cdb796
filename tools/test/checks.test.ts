import { describe, expect, test } from 'vitest';
import { checkErrorText } from '../src/check-error-text.ts';
import { checkImports } from '../src/check-imports.ts';
import { checkInvariants } from '../src/check-invariants.ts';
import { checkLinks } from '../src/check-links.ts';
import { checkManifests } from '../src/check-manifests.ts';
import { checkStorages } from '../src/check-storages.ts';
import { checkWords } from '../src/check-words.ts';
import type { Workspace } from '../src/workspace.ts';

// Assembled here, so that this file follows the rules that it tests.
const slash = '/';
const up = '../';
const [npm, http, number] = ['npmjs', 'https', '#12'];

const folders = [
  'protocol',
  'core',
  'store-lmdb',
  'branches',
  'api',
  'client',
  'conformance',
  'server',
  'cli',
  'embed',
];
const workspaces: readonly Workspace[] = [
  workspace('.', {}, { vitest: '4' }),
  ...folders.map((name) => workspace(`packages/${name}`)),
  workspace('bench'),
  workspace('tests/simulator'),
];

describe('the import direction', () => {
  const allowed: readonly (readonly [user: string, used: readonly string[]])[] = [
    ['protocol', []],
    ['core', ['protocol']],
    ['store-lmdb', ['protocol', 'core']],
    ['branches', ['protocol', 'core']],
    ['api', ['protocol', 'core', 'branches']],
    ['conformance', ['protocol', 'core']],
    ['client', ['protocol']],
    ['embed', ['protocol', 'core', 'store-lmdb', 'branches', 'api', 'client']],
    ['server', ['protocol', 'core', 'store-lmdb', 'branches', 'api']],
    ['cli', ['protocol', 'core', 'store-lmdb', 'client', 'server']],
  ];

  test.each(allowed)('lets %s import exactly %j', (user, used) => {
    const others = folders.filter((name) => name !== user);
    const may = others.filter(
      (name) => messages(`packages/${user}/src/a.ts`, `import '@holdfast/${name}';`, everything).length === 0,
    );
    expect(may.toSorted()).toEqual(used.toSorted());
  });

  test('lets no package import what is built on it', () => {
    expect(messages('packages/server/src/a.ts', "import '@holdfast/bench';", everything)).toEqual([
      'import of @holdfast/bench: @holdfast/server must not use @holdfast/bench',
    ]);
    expect(messages('packages/server/test/a.test.ts', "import '@holdfast/bench';")).toEqual([
      'import of @holdfast/bench: nothing is built on bench',
    ]);
  });

  test('lets tests and tools import every package', () => {
    const code = folders.map((name) => `import '@holdfast/${name}';`).join('\n');
    expect(messages('packages/protocol/test/a.test.ts', code)).toEqual([]);
    expect(messages('bench/src/a.ts', code, everything)).toEqual([]);
  });

  test('holds for each way to name a module', () => {
    const ways = [
      "import x from '@holdfast/client';",
      "import type { X } from '@holdfast/client';",
      "export * from '@holdfast/client';",
      "export { x } from '@holdfast/client';",
      "const x = () => import('@holdfast/client');",
      "type X = import('@holdfast/client').X;",
      "import X = require('@holdfast/client');",
    ];
    const found = ways.map((way) => messages('packages/core/src/a.ts', way));
    expect(found).toEqual(ways.map(() => ['import of @holdfast/client: @holdfast/core must not use @holdfast/client']));
  });
});

describe('an import', () => {
  test('of a package is by its name or another of its exports', () => {
    const deep =
      "import '@holdfast/core/src/store.ts';\nimport '@holdfast/core/dist/store.js';\nimport '@holdfast/core/extra';";
    expect(messages('packages/server/src/a.ts', deep, everything)).toEqual([
      'import of @holdfast/core/src/store.ts: not among the exports of @holdfast/core',
      'import of @holdfast/core/dist/store.js: not among the exports of @holdfast/core',
    ]);
  });

  test('by a relative path stays within the package', () => {
    expect(
      messages('packages/server/src/a/b.ts', `import '../c.ts'; import '${up.repeat(3)}core/src/store.ts';`),
    ).toEqual([`import of ${up.repeat(3)}core/src/store.ts: published code stays within packages/server/src/`]);
    expect(messages('packages/server/src/a.ts', "import '../test/b.ts';")).toHaveLength(1);
  });

  test('of a test by a relative path stays within the workspace', () => {
    const fine = "import '../src/a.ts'; import './b.ts'; import './support/c.ts'; await import('../package.json');";
    expect(messages('packages/server/test/a.test.ts', fine)).toEqual([]);
    for (const target of ['../../core/src/a.ts', '../../core/test/support/a.ts', `${up.repeat(3)}tools/src/a.ts`]) {
      const found = [`import of ${target}: another workspace is imported by its name`];
      expect(messages('packages/server/test/a.test.ts', `import '${target}';`)).toEqual(found);
      expect(messages('packages/server/test/a.test.ts', `await import('${target}');`)).toEqual(found);
    }
  });

  test('of a test outside of all workspaces does not reach into one either', () => {
    const target = '../../packages/core/test/a.ts';
    expect(messages('deploy/test/a.test.ts', `import '${target}'; import './support/b.ts';`)).toEqual([
      `import of ${target}: another workspace is imported by its name`,
    ]);
    expect(messages('deploy/test/a.test.ts', "import '../../tools/src/a.ts';")).toHaveLength(1);
    expect(messages('vitest.config.ts', "import './tools/src/a.ts';")).toEqual([]);
    expect(messages('tools/test/a.test.ts', `import '../src/a.ts'; import '${target}';`)).toEqual([]);
  });

  test('is of something that package.json declares', () => {
    expect(messages('packages/core/src/a.ts', "import 'zod';\nimport 'node:fs';\nimport '@scope/x/deep';")).toEqual([
      'import of zod: not a dependency in package.json',
      'import of @scope/x/deep: not a dependency in package.json',
    ]);
    expect(messages('packages/core/src/a.ts', "import 'vitest';")).toHaveLength(1);
    expect(messages('packages/core/test/a.test.ts', "import 'vitest'; import 'zod';")).toEqual([
      'import of zod: not a dependency in package.json',
    ]);
    expect(messages('tools/src/a.ts', "import 'vitest/node';")).toEqual([]);
  });

  test('is reported with its line', () => {
    const file = { path: 'packages/core/src/a.ts', text: "\n\nimport 'zod';\n" };
    expect(checkImports(file, workspaces)).toMatchObject([{ path: file.path, line: 3 }]);
  });

  test('in a comment or a string is none', () => {
    expect(messages('packages/core/src/a.ts', `// import 'zod'\nexport const x = "import 'zod'";`)).toEqual([]);
  });
});

describe('the manifests', () => {
  const built = workspaces.map(({ folder }) => folder);

  test('are in order', () => {
    const server = workspace('packages/server', { '@holdfast/core': '1.0.0', pino: '^1.0.0' }, {}, ['packages/core']);
    expect(checkManifests(replace(server), built)).toEqual([]);
  });

  test('depend on nothing that the import direction forbids', () => {
    const core = workspace('packages/core', { '@holdfast/server': '1.0.0' }, {}, ['packages/server']);
    expect(checkManifests(replace(core), built)).toEqual([
      { path: 'packages/core/package.json', message: '@holdfast/core must not depend on @holdfast/server' },
    ]);
  });

  test('of a package without a place in the direction depend on no Holdfast package', () => {
    const added = workspace('packages/extra', { '@holdfast/protocol': '1.0.0' }, {}, ['packages/protocol']);
    expect(checkManifests([...workspaces, added], [...built, 'packages/extra'])).toEqual([
      { path: 'packages/extra/package.json', message: '@holdfast/extra must not depend on @holdfast/protocol' },
    ]);
  });

  test('depend on the version that is here', () => {
    const core = workspace('packages/core', { '@holdfast/protocol': '0.9.0' }, {}, ['packages/protocol']);
    expect(checkManifests(replace(core), built)).toEqual([
      { path: 'packages/core/package.json', message: 'depends on @holdfast/protocol 0.9.0, but 1.0.0 is here' },
    ]);
  });

  test('refer to what they depend on, and to nothing else', () => {
    const core = workspace('packages/core', { '@holdfast/protocol': '1.0.0' }, {}, ['packages/client']);
    expect(checkManifests(replace(core), built).map(({ message }) => message)).toEqual([
      'does not refer to packages/protocol, which package.json depends on',
      'refers to packages/client, which package.json does not depend on',
    ]);
  });

  test('are all built, with a tsconfig.json each and a README in what is published', () => {
    const bare = { ...workspace('packages/core'), references: undefined, hasReadme: false };
    const without = built.filter((folder) => folder !== 'packages/core');
    expect(checkManifests(replace(bare), without)).toEqual([
      { path: 'packages/core/tsconfig.json', message: 'is missing' },
      { path: 'tsconfig.build.json', message: 'does not build packages/core' },
      { path: 'packages/core/README.md', message: 'is missing' },
    ]);
  });
});

describe('the words', () => {
  test.each([
    ['a path of one machine', `see ${slash}work${slash}main`],
    ['a path of one machine', `cd ${slash}home${slash}somebody`],
    ['a path of one machine', `"${slash}root${slash}.config"`],
    ["a package registry's address", `https:${slash}${slash}registry.${npm}.org`],
    ["a package registry's address", `"resolved": "${http}:${slash}${slash}example.org"`],
    ['the number of an issue: describe its subject instead', `see issue ${number}`],
    ['leads out of the repository', `[page](${up.repeat(3)}other${slash}page.md)`],
  ])('do not hold: %s', (rule, text) => {
    const found = checkWords({ path: 'packages/core/README.md', text: `first line\n${text}` });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ line: 2, message: expect.stringMatching(`${rule}$`) as unknown });
  });

  test('may contain similar text that is harmless', () => {
    const text = `GET http://host/home/page, /home/x/shop, ${up}core/src, ${up}${up}tsconfig.base.json, this issue, network/work, "resolved": "packages/core"`;
    expect(checkWords({ path: 'packages/core/README.md', text })).toEqual([]);
  });
});

describe('an AsyncLocalStorage', () => {
  test('is a constant of its module', () => {
    const text = 'const storage = new AsyncLocalStorage<string>();\nexport const other = new AsyncLocalStorage();';
    expect(checkStorages({ path: 'packages/client/src/a.ts', text })).toEqual([]);
  });

  test('is reported when it belongs to an object or a call', () => {
    const text = 'class Run {\n  readonly #step = new AsyncLocalStorage<string>();\n}\nrun(new AsyncLocalStorage());';
    const found = checkStorages({ path: 'packages/client/src/a.ts', text });
    expect(found.map(({ line }) => line)).toEqual([2, 4]);
  });
});

describe('the invariants of the engine', () => {
  const header = (...ids: string[]): string =>
    `/**\n * A part.\n *\n${ids.map((id) => ` * ${id}  A rule.\n`).join('')} */`;
  const engine = (name: string, ...ids: string[]) => ({
    path: `packages/core/src/engine/${name}.ts`,
    text: header(...ids),
  });
  const pattern = { path: 'packages/core/src/patterns/saga.ts', text: header('SG1') };
  const tests = (...titles: string[]) => ({
    path: 'packages/core/test/engine/a.test.ts',
    text: titles.map((title) => `it('${title}', () => {});`).join('\n'),
  });
  const found = (...files: Parameters<typeof checkInvariants>[0]): unknown[] =>
    checkInvariants([pattern, ...files]).map(({ path, line, message }) => [path, line, message]);

  test('are each cited by a test, at the start of its title or at the end', () => {
    expect(found(engine('a', 'E1', 'E2', 'RL1'), tests('E1: holds', 'holds (E2, RL1)', 'SG1: holds as well'))).toEqual(
      [],
    );
  });

  test('are found when no test cites them', () => {
    expect(found(engine('a', 'E1', 'E2'), tests('E1: holds', 'E2 is only mentioned'))).toEqual([
      ['packages/core/src/engine/a.ts', 5, 'no test cites the invariant E2'],
    ]);
  });

  test('are found when a test cites one that does not exist, and other words of that form are not', () => {
    expect(found(engine('a', 'E1'), tests('E1: holds', 'holds (E7)', 'node B1: starts'))).toEqual([
      ['packages/core/test/engine/a.test.ts', 2, 'the test cites the invariant E7, which does not exist'],
    ]);
  });

  test('are found when two parts define the same one', () => {
    expect(found(engine('a', 'E1'), engine('b', 'E1'), tests('E1: holds'))).toEqual([
      ['packages/core/src/engine/b.ts', 4, 'the invariant E1 is defined in packages/core/src/engine/a.ts as well'],
    ]);
  });
});

describe('a link of a page', () => {
  const exists = (path: string): boolean => ['docs/a.md', 'README.md'].includes(path);

  test('leads to a file', () => {
    const text = '[a](a.md) [home](../README.md#start) [web](https://example.org/x) [here](#there)';
    expect(checkLinks({ path: 'docs/b.md', text }, exists)).toEqual([]);
  });

  test('is reported when it does not', () => {
    expect(checkLinks({ path: 'docs/b.md', text: '\n[c](c.md#x)' }, exists)).toEqual([
      { path: 'docs/b.md', line: 2, message: 'link to c.md: there is no such file' },
    ]);
  });

  test('and a path in code quotes exist, unless it has a placeholder or is built', () => {
    const text = '`docs/a.md` `docs/NAME.md` `packages/core/dist/x.js` `docs/*.md`\n`docs/gone.md`';
    expect(checkLinks({ path: 'README.md', text }, exists)).toEqual([
      { path: 'README.md', line: 2, message: 'docs/gone.md: there is no such file' },
    ]);
  });
});

function workspace(
  folder: string,
  dependencies: Workspace['dependencies'] = {},
  devDependencies: Workspace['devDependencies'] = {},
  references: readonly string[] = [],
): Workspace {
  const name = `@holdfast/${folder.split('/').at(-1)}`;
  const modules = new Map([name, `${name}/extra`].map((specifier) => [specifier, 'dist/index.js']));
  return { folder, name, version: '1.0.0', modules, dependencies, devDependencies, references, hasReadme: true };
}

function replace(changed: Workspace): readonly Workspace[] {
  return workspaces.map((one) => (one.folder === changed.folder ? changed : one));
}

function messages(path: string, text: string, declare?: (folder: string) => Workspace): readonly string[] {
  const home = path
    .split('/')
    .slice(0, path.startsWith('packages/') ? 2 : 1)
    .join('/');
  const all = declare === undefined ? workspaces : replace(declare(home));
  return checkImports({ path, text }, all).map(({ message }) => message);
}

/** A workspace that declares every other one. */
function everything(folder: string): Workspace {
  return workspace(folder, Object.fromEntries([...folders, 'bench'].map((name) => [`@holdfast/${name}`, '1.0.0'])));
}

describe('the text of an error', () => {
  const found = (text: string, path = 'packages/core/src/a.ts'): number => checkErrorText({ path, text }).length;

  test.each([
    "if (error.message.includes('duplicate key')) return;",
    "const shown = message.replace('data', 'payload');",
    'if (GONE.test(error.message)) return;',
    "if (error.message === 'gone') return;",
    "if (error.message !== 'gone') return;",
    "return textOfThrown(error).startsWith('gone');",
    'return error?.message?.slice(field.length);',
  ])('is neither tested nor edited: %s', (text) => {
    expect(found(text)).toBe(1);
  });

  test.each([
    "if (error.message === '') return error.name;",
    "if (typeof error.message !== 'string') return;",
    'throw new HoldfastError(error.code, `${gid}: ${error.message}`);',
    "if (error.code === 'refused') return;",
  ])('may be shown: %s', (text) => {
    expect(found(text)).toBe(0);
  });

  test('may be read where a client library has no code, and an exception that is not needed is found', () => {
    const path = 'packages/store-redis/src/connection.ts';
    expect(found("return error.message.split(' ', 1)[0];", path)).toBe(0);
    expect(found('return error.code;', path)).toBe(1);
  });
});
