import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';

interface Manifest {
  readonly exports: Readonly<Record<string, { readonly default: string }>>;
}

/**
 * Builds the CommonJS form of a package into `cjs/` from the built ES modules in `dist/`.
 *
 * Node never loads it: `require` gets the ES modules there (export condition `module-sync`), so a
 * process has one copy of each class. The form is for tools that have their own module system, such
 * as Jest, and for TypeScript, which reads the declarations for CommonJS projects from there.
 */
export async function buildCommonJs(home: string): Promise<void> {
  const manifest = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as Manifest;
  const dist = join(home, 'dist');
  const cjs = join(home, 'cjs');
  rmSync(cjs, { recursive: true, force: true });
  mkdirSync(cjs);
  // Each file stays a file, so that paths relative to a module lead to the same places as in
  // `dist/`.
  const build = await rolldown({
    input: Object.values(manifest.exports).map((entry) => join(home, entry.default)),
    cwd: home,
    platform: 'node',
    external: /^[^./]/,
    treeshake: false,
  });
  await build.write({
    dir: cjs,
    format: 'cjs',
    preserveModules: true,
    preserveModulesRoot: dist,
    entryFileNames: '[name].js',
    dynamicImportInCjs: false,
  });
  for (const path of readdirSync(dist, { recursive: true, encoding: 'utf8' }))
    if (path.endsWith('.d.ts')) cpSync(join(dist, path), join(cjs, path));
  writeFileSync(join(cjs, 'package.json'), '{ "type": "commonjs" }\n');
}
