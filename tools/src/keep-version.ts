/**
 * Creates `tests/mixed-version/previous/DATE/`: the coordinator of a checkout as one file, for the
 * tests that run it beside the present one. DATE is the day of the checkout's commit.
 *
 *  npm run keep-version -- FOLDER
 *
 * FOLDER is a clean checkout of the version to keep, such as the last release's tag. The file
 * contains only Holdfast's code; other imports are resolved from its location. Only stores that
 * several coordinators can share are included.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { sourceAliases } from './source-aliases.ts';

const ENTRY = 'virtual:coordinator';
const kept = fileURLToPath(new URL('../../tests/mixed-version/previous/', import.meta.url));
const folder = process.argv[2];

if (folder === undefined) {
  console.error('npm run keep-version -- FOLDER, where FOLDER is a checkout of the version to keep');
  process.exitCode = 2;
} else {
  await keep(resolve(folder));
}

async function keep(root: string): Promise<void> {
  const date = execFileSync('git', ['log', '-1', '--format=%cs'], { cwd: root, encoding: 'utf8' }).trim();
  const target = join(kept, date);
  rmSync(join(target, 'bin'), { recursive: true, force: true });
  mkdirSync(join(target, 'bin'), { recursive: true });
  writeFileSync(join(target, 'bin', 'coordinator.js'), await bundle(root));
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(descriptionOf(root, date), undefined, 2)}\n`);
}

/** The command `serve` and all the code of Holdfast that it needs, as one module. */
async function bundle(root: string): Promise<string> {
  const ours = sourceAliases(root).filter(({ find }) => !find.test('@holdfast/store-lmdb'));
  const isOurs = (id: string): boolean => /^(?:[./]|virtual:|\0)/.test(id) || ours.some(({ find }) => find.test(id));
  const result = await build({
    root,
    configFile: false,
    logLevel: 'warn',
    resolve: { alias: ours },
    plugins: [
      {
        name: 'coordinator',
        resolveId: (id) => (id === ENTRY ? `\0${ENTRY}` : undefined),
        load: (id) => (id === `\0${ENTRY}` ? entryOf(root) : undefined),
      },
    ],
    build: {
      ssr: true,
      write: false,
      target: 'node20',
      rolldownOptions: {
        input: ENTRY,
        external: (id) => !isOurs(id),
        output: { format: 'es', codeSplitting: false, comments: false },
      },
    },
  });
  if (!('output' in result)) throw new Error('the bundler watches instead of building');
  const [chunk, ...others] = result.output;
  if (others.length > 0) throw new Error(`more than one file: ${others.map(({ fileName }) => fileName).join(', ')}`);
  // The location of the checkout is irrelevant.
  return chunk.code.replaceAll(/^\/\/ \S*?(?=packages\/\S+\.ts$)/gm, '// ');
}

function entryOf(root: string): string {
  return `
import { Command } from 'commander';
import { registerServe } from ${JSON.stringify(serveCommandOf(root))};
const program = new Command('holdfast');
registerServe(program);
program.parseAsync().catch((error) => {
  process.stderr.write(String(error.stack));
  process.exitCode = 1;
});
`;
}

/** Before the command line had its package, the server contained it. */
function serveCommandOf(root: string): string {
  const path = join(root, 'packages/cli/src/serve/serve-command.ts');
  return existsSync(path) ? path : join(root, 'packages/server/src/serve-command.ts');
}

/** The version is read from here; the rest is informative. */
function descriptionOf(root: string, date: string) {
  const { version } = JSON.parse(readFileSync(join(root, 'packages/server/package.json'), 'utf8')) as {
    version: string;
  };
  return {
    name: 'holdfast-previous',
    private: true,
    description: `The coordinator as it was on ${date}, made by \`npm run keep-version\`. Do not edit.`,
    license: 'Apache-2.0',
    type: 'module',
    version,
  };
}
