import { join } from 'node:path';
import { readWorkspaces } from './workspace.ts';

/** Maps each public module to its source: `@holdfast/core` → `…/packages/core/src/index.ts`. */
export function sourceAliases(root: string): { find: RegExp; replacement: string }[] {
  const modules = readWorkspaces(root).flatMap((workspace) => [...workspace.modules]);
  return modules.map(([specifier, built]) => ({
    find: new RegExp(`^${specifier}$`),
    replacement: join(root, built.replace('/dist/', '/src/').replace(/\.js$/, '.ts')),
  }));
}
