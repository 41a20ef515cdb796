import { figure, percent, renderTable } from '../report/table.ts';
import type { ProfileSummary, SelfTime } from './cpu-profile.ts';

const FUNCTIONS = 25;
const FILES = 15;
const PARTS = 20;

/** The most expensive functions and files as a human-readable page. */
export function renderProfile({ busyMs, idleMs, functions, files, parts }: ProfileSummary): string {
  const table = (title: string, times: readonly SelfTime[], most: number): string =>
    renderTable(
      [title, 'self'],
      times.slice(0, most).map(({ name, share }) => [name, percent(share, 1)]),
      1,
    );
  return [
    `${figure(busyMs)} ms at work, ${figure(idleMs)} ms idle`,
    '',
    table('function', functions, FUNCTIONS),
    '',
    table('file', files, FILES),
    '',
    table('part, with what Node did for it', parts, PARTS),
  ].join('\n');
}
