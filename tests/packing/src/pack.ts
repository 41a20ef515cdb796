import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packAll } from './packages.ts';

// `npm run pack`: one folder with a tarball of every package, for projects to install from.
const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = join(root, 'packed');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
const packed = await packAll(root, folder);
for (const { name, tarball, packedBytes } of packed)
  process.stdout.write(`${name.padEnd(26)} ${`${(packedBytes / 1000).toFixed(1)} kB`.padStart(10)}  ${tarball}\n`);
process.stdout.write(
  `\nInstall all of them at once, because they depend on each other:\n\n  npm install ${folder}/*.tgz\n`,
);
