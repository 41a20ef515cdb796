import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { auditVerdict } from '../src/dependencies/audit-verdict.ts';
import { cycloneDx } from '../src/dependencies/cyclonedx.ts';
import { isAllowed, type Licensed, licenceFaults, licenceList } from '../src/dependencies/licences.ts';
import { installedWith, type Lock } from '../src/dependencies/lockfile.ts';
import { readDependencies } from '../src/dependencies/read-dependencies.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

interface Bom {
  readonly components: readonly {
    readonly 'bom-ref': string;
    readonly hashes?: readonly { readonly content: string }[];
  }[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

describe('the dependencies of the published packages', () => {
  let dependencies: readonly Licensed[];
  beforeAll(async () => {
    dependencies = await readDependencies(ROOT);
  });

  it('have licences that are allowed, with their texts', () => {
    expect(licenceFaults(dependencies)).toEqual([]);
  });

  it('are those that an installation contains, and no others', () => {
    const names = new Set(dependencies.map(({ name }) => name));
    for (const name of ['@holdfast/cli', 'lmdb', 'mysql2', 'pg', 'pino', 'undici', 'yaml', 'zod'])
      expect(names).toContain(name);
    // Direct ones, indirect ones, and binaries for other systems.
    for (const name of ['pg-protocol', '@lmdb/lmdb-darwin-arm64']) expect(names).toContain(name);
    for (const name of ['vitest', 'typescript', 'prettier', '@holdfast/testing']) expect(names).not.toContain(name);
  });

  it('are in the list with their texts, and in the bill of materials with their hashes', () => {
    const list = licenceList(dependencies);
    const bom = cycloneDx(dependencies, '0.1.0') as Bom;
    const refs = new Set(bom.components.map(({ 'bom-ref': ref }) => ref));
    expect(refs.size).toBe(bom.components.length);
    for (const { name, version, isOurs } of dependencies) {
      const ref = `pkg:npm/${name.replace('@', '%40')}@${version}`;
      expect(refs).toContain(ref);
      if (isOurs) continue;
      expect(list).toContain(`| ${name} | ${version} |`);
      expect(bom.components.find(({ 'bom-ref': own }) => own === ref)?.hashes?.[0]?.content).toMatch(/^[0-9a-f]{128}$/);
    }
    for (const { ref, dependsOn } of bom.dependencies.slice(1))
      for (const needed of [ref, ...dependsOn]) expect(refs).toContain(needed);
    const pg = dependencies.find(({ name }) => name === 'pg');
    expect(list).toContain(pg?.text);
  });

  it('are not part of our packages, whose NOTICE therefore names Holdfast only', async () => {
    for (const name of await readdir(join(ROOT, 'packages'))) {
      if (name === 'README.md') continue;
      const manifest = await readFile(join(ROOT, 'packages', name, 'package.json'), 'utf8');
      expect(manifest).not.toMatch(/"bundled?Dependencies"/);
      expect(manifest).toContain('"license": "Apache-2.0"');
    }
    expect(await readFile(join(ROOT, 'NOTICE'), 'utf8')).toMatch(/^Holdfast\nCopyright \d{4} The Holdfast authors\n$/);
  });
});

describe('the licences that are allowed', () => {
  it.each(['MIT', 'Apache-2.0', '(MIT OR GPL-3.0-only)', 'MIT AND ISC'])('include %s', (licence) => {
    expect(isAllowed(licence)).toBe(true);
  });
  it.each(['GPL-3.0-only', 'AGPL-3.0', 'LGPL-2.1', 'MIT AND GPL-2.0-only', 'UNLICENSED', 'SEE LICENSE IN x', ''])(
    'do not include %j',
    (licence) => {
      expect(isAllowed(licence)).toBe(false);
    },
  );

  it('are stated by each dependency, in its folder', () => {
    const one: Licensed = {
      path: 'node_modules/a',
      name: 'a',
      version: '1.0.0',
      licence: 'MIT',
      integrity: undefined,
      isOurs: false,
      needs: [],
      text: 'Permission is granted',
    };
    expect(licenceFaults([one, { ...one, text: '' }])).toEqual([]);
    expect(licenceFaults([{ ...one, licence: undefined }])).toEqual(['a 1.0.0 states no licence']);
    expect(licenceFaults([{ ...one, licence: 'SSPL-1.0' }])[0]).toMatch(/^a 1\.0\.0 has the licence SSPL-1\.0/);
    expect(licenceFaults([{ ...one, text: undefined }])).toEqual(['a 1.0.0 (MIT) contains no text of its licence']);
  });
});

it('a dependency is looked up as Node does: the nearest folder counts', () => {
  const lock: Lock = {
    'packages/ours': {
      name: '@x/ours',
      version: '1.0.0',
      dependencies: { a: '1', b: '1' },
      peerDependencies: { c: '1' },
    },
    'packages/ours/node_modules/a': { version: '1.0.0', dependencies: { b: '2' } },
    'packages/ours/node_modules/a/node_modules/b': { version: '2.0.0' },
    'node_modules/a': { version: '9.0.0' },
    'node_modules/b': { version: '1.0.0', optionalDependencies: { missing: '1' } },
    'node_modules/c': { version: '1.0.0' },
    'node_modules/d': { version: '1.0.0' },
  };
  const found = installedWith(lock, ['packages/ours']).map(({ name, version }) => `${name} ${version}`);
  expect(found).toEqual(['@x/ours 1.0.0', 'a 1.0.0', 'b 1.0.0', 'b 2.0.0', 'c 1.0.0']);
  expect(() => installedWith({ 'packages/ours': { dependencies: { e: '1' } } }, ['packages/ours'])).toThrow('has no e');
});

describe('npm run audit', () => {
  const counts = { info: 0, low: 0, moderate: 1, high: 0, critical: 0, total: 1 };
  it('distinguishes a registry that knows of nothing from one that does not answer', () => {
    const clean = { ...counts, moderate: 0, total: 0 };
    expect(auditVerdict(JSON.stringify({ metadata: { vulnerabilities: clean }, vulnerabilities: {} })).exitCode).toBe(
      0,
    );
    const refused = {
      message: '405 Method Not Allowed - POST https://registry.example/-/npm/v1',
      error: { summary: '' },
    };
    expect(auditVerdict(JSON.stringify(refused))).toMatchObject({
      exitCode: 3,
      text: expect.stringContaining('405') as string,
    });
    for (const output of ['', 'null', '<html>', '{}']) expect(auditVerdict(output).exitCode).toBe(3);
  });

  it('fails for a vulnerability that is high or critical, and names it', () => {
    const of = (severity: 'moderate' | 'high' | 'critical') =>
      auditVerdict(
        JSON.stringify({
          metadata: { vulnerabilities: { ...counts, moderate: 0, [severity]: 1 } },
          vulnerabilities: { a: { severity, range: '<1.2.3' } },
        }),
      );
    expect(of('moderate').exitCode).toBe(0);
    for (const severity of ['high', 'critical'] as const)
      expect(of(severity)).toMatchObject({
        exitCode: 1,
        text: expect.stringContaining(`${severity}: a <1.2.3`) as string,
      });
  });
});
