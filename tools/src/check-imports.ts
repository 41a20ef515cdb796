import { posix } from 'node:path';
import { mayUse, TESTING } from './direction.ts';
import type { Finding, SourceFile } from './finding.ts';
import { importsOf } from './imports.ts';
import type { Workspace } from './workspace.ts';

/**
 * Checks the imports of one file against its package.json and the import direction.
 *
 * Published code (`src`) may import only declared dependencies, and other packages only by name.
 * Tests may also import every package and development dependencies. No file imports by a relative
 * path out of its workspace: what tests of several workspaces share is in `@holdfast/testing`.
 */
export function checkImports(file: SourceFile, workspaces: readonly Workspace[]): readonly Finding[] {
  const home = homeOf(file.path, workspaces);
  return importsOf(file).flatMap(({ specifier, line }) => {
    const message = specifier.startsWith('.')
      ? judgeRelative(file.path, specifier, home, workspaces)
      : judgeNamed(file.path, specifier, home, workspaces);
    return message === undefined ? [] : [{ path: file.path, line, message }];
  });
}

/** The tools and the test configuration may import from everywhere, and are imported nowhere. */
const OF_ALL_WORKSPACES = /^(?:vitest\.config\.ts$|tools\/)/;

type Verdict = string | undefined;

function judgeRelative(path: string, specifier: string, home: Workspace, workspaces: readonly Workspace[]): Verdict {
  if (OF_ALL_WORKSPACES.test(path)) return undefined;
  const target = posix.join(posix.dirname(path), specifier);
  const sources = `${posix.join(home.folder, 'src')}/`;
  if (path.startsWith(sources) && !isTest(path)) {
    return target.startsWith(sources) ? undefined : `import of ${specifier}: published code stays within ${sources}`;
  }
  const near = !OF_ALL_WORKSPACES.test(target) && homeOf(target, workspaces) === home;
  return near ? undefined : `import of ${specifier}: another workspace is imported by its name`;
}

function judgeNamed(path: string, specifier: string, home: Workspace, workspaces: readonly Workspace[]): Verdict {
  if (specifier.startsWith('node:')) return undefined;
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  const ours = workspaces.find((workspace) => workspace.name === name);
  if (ours !== undefined && !ours.modules.has(specifier))
    return `import of ${specifier}: not among the exports of ${name}`;
  if (isTest(path)) return judgeInTest(specifier, name, home, workspaces, ours);
  if (ours !== undefined && !mayUse(home.folder, ours.folder))
    return `import of ${specifier}: ${home.name} must not use ${name}`;
  if (name in home.dependencies || (home.folder === '.' && name in home.devDependencies)) return undefined;
  return `import of ${specifier}: not a dependency in package.json`;
}

function judgeInTest(
  specifier: string,
  name: string,
  home: Workspace,
  workspaces: readonly Workspace[],
  ours: Workspace | undefined,
): Verdict {
  if (ours !== undefined) {
    const fits = ours.folder.startsWith('packages/') || ours.folder === TESTING || ours === home;
    return fits ? undefined : `import of ${specifier}: nothing is built on ${ours.folder}`;
  }
  const root = workspaces.find(({ folder }) => folder === '.');
  const declared = { ...root?.devDependencies, ...home.devDependencies, ...home.dependencies };
  return name in declared ? undefined : `import of ${specifier}: not a dependency in package.json`;
}

/** The workspace that contains a file: the innermost one. */
function homeOf(path: string, workspaces: readonly Workspace[]): Workspace {
  const around = workspaces.filter(({ folder }) => folder === '.' || path.startsWith(`${folder}/`));
  const home = around.toSorted((a, b) => b.folder.length - a.folder.length)[0];
  if (home === undefined) throw new Error(`No workspace holds ${path}.`);
  return home;
}

function isTest(path: string): boolean {
  return path.split('/').includes('test');
}
