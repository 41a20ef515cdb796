import { mayUse } from './direction.ts';
import type { Finding } from './finding.ts';
import type { Workspace } from './workspace.ts';

/**
 * Checks package.json and tsconfig.json of each workspace against the import direction and each
 * other: its references are its dependencies, in the version of this repository, and everything is
 * built.
 */
export function checkManifests(workspaces: readonly Workspace[], built: readonly string[]): readonly Finding[] {
  const folders = new Map(workspaces.map(({ name, folder }) => [name, folder]));
  return workspaces
    .filter(({ folder }) => folder !== '.')
    .flatMap((workspace) => [
      ...checkDependencies(workspace, workspaces),
      ...checkReferences(workspace, folders),
      ...checkPresence(workspace, built),
    ]);
}

function checkDependencies(workspace: Workspace, workspaces: readonly Workspace[]): readonly Finding[] {
  const path = `${workspace.folder}/package.json`;
  return workspaces.flatMap(({ name, folder, version }) => {
    const wanted = workspace.dependencies[name];
    if (wanted === undefined) return [];
    if (!mayUse(workspace.folder, folder)) return [{ path, message: `${workspace.name} must not depend on ${name}` }];
    return wanted === version ? [] : [{ path, message: `depends on ${name} ${wanted}, but ${version} is here` }];
  });
}

function checkReferences(workspace: Workspace, folders: ReadonlyMap<string, string>): readonly Finding[] {
  const path = `${workspace.folder}/tsconfig.json`;
  const references = workspace.references;
  if (references === undefined) return [{ path, message: 'is missing' }];
  const declared = Object.keys(workspace.dependencies).flatMap((name) => folders.get(name) ?? []);
  return [
    ...declared
      .filter((folder) => !references.includes(folder))
      .map((folder) => `does not refer to ${folder}, which package.json depends on`),
    ...references
      .filter((folder) => !declared.includes(folder))
      .map((folder) => `refers to ${folder}, which package.json does not depend on`),
  ].map((message) => ({ path, message }));
}

function checkPresence(workspace: Workspace, built: readonly string[]): readonly Finding[] {
  const findings: Finding[] = [];
  if (!built.includes(workspace.folder))
    findings.push({ path: 'tsconfig.build.json', message: `does not build ${workspace.folder}` });
  if (!workspace.hasReadme && workspace.folder.startsWith('packages/'))
    findings.push({ path: `${workspace.folder}/README.md`, message: 'is missing' });
  return findings;
}
