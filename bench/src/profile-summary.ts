import { readProfile } from './profile/read-profile.ts';
import { renderProfile } from './profile/render-profile.ts';

// Summarizes CPU profiles: node bench/dist/profile-summary.js FILE...
const paths = process.argv.slice(2);
if (paths.length === 0) {
  console.error('usage: node bench/dist/profile-summary.js FILE.cpuprofile...');
  process.exitCode = 2;
}
for (const path of paths) console.log(`${path}\n${renderProfile(readProfile(path))}\n`);
