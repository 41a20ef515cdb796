import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { npmInstall, output } from './npm.ts';
import type { PackedPackage } from './packages.ts';
import { PEERS, USES } from './uses.ts';

/**
 * A kind of project that uses the packages through a tool: a compiler, a test runner, a package
 * manager.
 */
export interface Consumer {
  readonly name: string;
  /** Uses every package. Throws with the tool's output. */
  readonly run: () => Promise<void>;
}

const TYPESCRIPT = 'typescript@~5.9.3';
const JEST = 'jest@~30.5.2';
const PNPM = 'pnpm@~10.20.0';
/** What the modules of `@holdfast/client` that are named after a library are loaded with. */
const LIBRARIES = ['express@^5', 'fastify@^5', 'hono@^4', 'pg@^8', 'mysql2@^3', 'ioredis@^6'];
const TYPES = ['@types/node@^20.19.0', '@types/express@^5', '@types/pg@^8'];
const JEST_TIMEOUT_MS = 120_000;

/**
 * Installs all packages into a CommonJS project in `parent`, and another one with pnpm on demand.
 */
export async function consumersOf(packed: readonly PackedPackage[], parent: string): Promise<readonly Consumer[]> {
  const project = join(parent, 'commonjs-project');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "name": "empty", "private": true, "type": "commonjs" }');
  const tarballs = packed.map(({ tarball }) => tarball);
  const peers = Object.values(PEERS).flat();
  await npmInstall(project, ...tarballs, ...peers, ...LIBRARIES, ...TYPES, TYPESCRIPT, JEST);
  const compiler = (name: string, options: Readonly<Record<string, string>>): Consumer => ({
    name,
    run: () => compileAndRun(packed, project, options),
  });
  return [
    compiler('TypeScript node16, CommonJS', { module: 'node16', moduleResolution: 'node16' }),
    compiler('TypeScript node10, CommonJS', { module: 'commonjs', moduleResolution: 'node10' }),
    { name: 'Jest, CommonJS', run: () => runJest(packed, project) },
    { name: 'pnpm, ESM', run: () => runPnpm(packed, parent) },
  ];
}

/** Compiles a program that imports every module, a value and a type by name, and runs it. */
async function compileAndRun(
  packed: readonly PackedPackage[],
  project: string,
  options: Readonly<Record<string, string>>,
): Promise<void> {
  const modules = packed.flatMap((one) => one.modules);
  const lines = [
    "import { connect, type Holdfast, TransactionFailed } from '@holdfast/client';",
    ...modules.map((module, i) => `import * as module${i} from '${module}';`),
    ...modules.map((_, i) => `if (Object.keys(module${i}).length === 0) throw new Error('empty');`),
    'export function check(): unknown {',
    "  const hf: Holdfast = connect('http://127.0.0.1:1');",
    '  // @ts-expect-error: a port is not a URL. Without declarations this would compile.',
    '  return [hf, TransactionFailed, connect(36789)];',
    '}',
    "console.log('works');",
  ];
  writeFileSync(join(project, 'main.ts'), lines.join('\n'));
  const compilerOptions = { target: 'ES2022', lib: ['ES2023', 'ESNext.Disposable'], types: ['node'], strict: true };
  const config = { compilerOptions: { ...compilerOptions, esModuleInterop: true, ...options }, files: ['main.ts'] };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(config));
  await output(project, join(project, 'node_modules/.bin/tsc'));
  await expectWorks(project, 'main.js');
}

/** Jest has its own module system, which loads CommonJS only by default. */
async function runJest(packed: readonly PackedPackage[], project: string): Promise<void> {
  const cases = packed.map(
    ({ name, modules }) => `test('${name}', async () => {
      for (const name of ${JSON.stringify(modules)}) expect(Object.keys(require(name)).length).toBeGreaterThan(0);
      let printed = '';
      const load = async (name) => require(name);
      const print = (text) => { printed += text; };
      ${USES[name] ?? ''}
      expect(printed).toBe('works');
    }, ${JEST_TIMEOUT_MS});`,
  );
  writeFileSync(join(project, 'packages.test.js'), cases.join('\n'));
  await output(project, join(project, 'node_modules/.bin/jest'), '--ci');
}

/**
 * pnpm fetches the dependencies of a tarball from the registry, unless the project overrides them.
 */
async function runPnpm(packed: readonly PackedPackage[], parent: string): Promise<void> {
  const tool = join(parent, 'pnpm');
  const project = join(parent, 'pnpm-project');
  for (const home of [tool, project]) mkdirSync(home);
  writeFileSync(join(tool, 'package.json'), '{ "private": true }');
  await npmInstall(tool, PNPM);
  const overrides = Object.fromEntries(packed.map(({ name, tarball }) => [name, `file:${tarball}`]));
  const dependencies = { '@holdfast/client': overrides['@holdfast/client'] };
  const manifest = { name: 'empty', private: true, type: 'module', dependencies, pnpm: { overrides } };
  writeFileSync(join(project, 'package.json'), JSON.stringify(manifest));
  await output(project, join(tool, 'node_modules/.bin/pnpm'), 'install');
  const program = "import { connect } from '@holdfast/client';\nif (connect) console.log('works');\n";
  writeFileSync(join(project, 'main.js'), program);
  await expectWorks(project, 'main.js');
}

async function expectWorks(folder: string, program: string): Promise<void> {
  const printed = await output(folder, process.execPath, program);
  if (printed.trim() !== 'works') throw new Error(`${program} printed ${JSON.stringify(printed)}`);
}
