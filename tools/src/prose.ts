/**
 * Prints the findings of `checkSource` for the TypeScript files whose paths begin with one of the
 * arguments; with none, only their number per folder.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { checkSource } from './check-sources.ts';

const places = process.argv.slice(2);
const paths = execFileSync('git', ['ls-files', '*.ts'], { encoding: 'utf8' }).trim().split('\n');
const counts = new Map<string, number>();
for (const path of paths) {
  if (path.startsWith('mixed-version/previous/') || path === 'tools/src/phrases.ts') continue;
  const findings = checkSource({ path, text: readFileSync(path, 'utf8') });
  const folder = path
    .split('/')
    .slice(0, path.startsWith('packages/') ? 3 : 1)
    .join('/');
  counts.set(folder, (counts.get(folder) ?? 0) + findings.length);
  if (places.some((place) => path.startsWith(place)))
    for (const { line, message } of findings) console.log(`${path}:${line}: ${message}`);
}
const rows = [...counts].filter(([, count]) => count > 0).toSorted((one, other) => other[1] - one[1]);
if (places.length === 0) for (const [folder, count] of rows) console.log(`${count} ${folder}`);
console.log(
  [...counts.values()].reduce((sum, count) => sum + count, 0),
  'findings in all',
);
