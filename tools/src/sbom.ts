import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cycloneDx } from './dependencies/cyclonedx.ts';
import { licenceFaults, licenceList } from './dependencies/licences.ts';
import { type Manifest, readDependencies, readJson } from './dependencies/read-dependencies.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * `npm run sbom [-- FOLDER]`: writes what is installed with the published packages, as CycloneDX
 * (`sbom.cdx.json`) and as a list of licences with their texts (`licences.md`). Fails if a licence
 * is not allowed.
 */
async function main([folder = 'packed']: readonly string[]): Promise<number> {
  const { version } = await readJson<Manifest>(join(ROOT, 'package.json'));
  const dependencies = await readDependencies(ROOT);
  const faults = licenceFaults(dependencies);
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) return 1;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'sbom.cdx.json'), `${JSON.stringify(cycloneDx(dependencies, version), undefined, 2)}\n`);
  await writeFile(join(folder, 'licences.md'), licenceList(dependencies));
  const others = dependencies.filter(({ isOurs }) => !isOurs).length;
  console.log(`${folder}: ${dependencies.length - others} packages of Holdfast, ${others} dependencies`);
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
