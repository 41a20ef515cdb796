import type { Dependency } from './lockfile.ts';

/**
 * The software bill of materials in the form of CycloneDX 1.5. It contains no time and no random
 * number, so that equal lock files have equal texts.
 */
export function cycloneDx(dependencies: readonly Dependency[], version: string): object {
  const refs = new Map(dependencies.map((one) => [one.path, refOf(one)]));
  const root = `pkg:npm/holdfast-workspace@${version}`;
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: {
      component: {
        type: 'application',
        'bom-ref': root,
        name: 'holdfast',
        version,
        licenses: [{ license: { id: 'Apache-2.0' } }],
      },
    },
    components: [...new Map(dependencies.map((one) => [refOf(one), componentOf(one)])).values()],
    dependencies: [
      { ref: root, dependsOn: dependencies.filter(({ isOurs }) => isOurs).map(refOf) },
      ...[...grouped(dependencies, refs)].map(([ref, needs]) => ({ ref, dependsOn: [...needs].toSorted() })),
    ],
  };
}

/** A version may be installed in several folders, which need different versions of others. */
function grouped(
  dependencies: readonly Dependency[],
  refs: ReadonlyMap<string, string>,
): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const one of dependencies) {
    const needs = found.get(refOf(one)) ?? new Set();
    for (const path of one.needs) needs.add(refs.get(path) ?? path);
    found.set(refOf(one), needs);
  }
  return found;
}

/** The package URL: the scope is a namespace, whose @ is percent-encoded. */
const refOf = ({ name, version }: Dependency): string => `pkg:npm/${name.replace(/^@/, '%40')}@${version}`;

function componentOf(one: Dependency): object {
  const { name, version, licence, integrity } = one;
  const [, group, plain = name] = /^(@[^/]+)\/(.+)$/.exec(name) ?? [];
  return {
    type: 'library',
    'bom-ref': refOf(one),
    ...(group !== undefined && { group }),
    name: plain,
    version,
    ...(integrity !== undefined && { hashes: [hashOf(integrity)] }),
    ...(licence !== undefined && { licenses: licencesOf(licence) }),
    purl: refOf(one),
  };
}

const licencesOf = (licence: string): readonly object[] =>
  licence.includes(' ') ? [{ expression: licence.replace(/^\((.*)\)$/, '$1') }] : [{ license: { id: licence } }];

function hashOf(integrity: string): object {
  const [algorithm = '', base64 = ''] = integrity.split('-', 2);
  const alg = { sha512: 'SHA-512', sha384: 'SHA-384', sha256: 'SHA-256', sha1: 'SHA-1' }[algorithm];
  if (alg === undefined) throw new Error(`package-lock.json has a hash of the unknown kind ${algorithm}`);
  return { alg, content: Buffer.from(base64, 'base64').toString('hex') };
}
