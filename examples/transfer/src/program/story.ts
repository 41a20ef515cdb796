import { renderTimeline } from '@holdfast/cli';
import { money } from '../banks/money.ts';
import { FAILURE_TEXTS } from '../stage/failure.ts';
import type { Options } from './options.ts';
import type { Screen } from './screen.ts';
import { type JudgedRun, tableOf } from './table.ts';

/** The first lines. */
export function introduce(screen: Screen, { amount, urls }: Options): void {
  const place = (url: string | undefined): string => (url === undefined ? ', a private one' : '');
  screen.line();
  screen.line(screen.bold(`One transfer: ${money(amount)} from Ana to Ben.`));
  screen.line(
    `Ana's account is at bank A (PostgreSQL${place(urls.postgres)}), Ben's at bank B (MariaDB${place(urls.mariadb)}).`,
  );
  screen.line('Both banks do it, or neither: a coordinator sees to that, whatever goes wrong.');
  if (urls.postgres === undefined || urls.mariadb === undefined)
    screen.line(screen.dim('What is private is started now, and removed at the end; that takes a few seconds.'));
}

/** Prints one transfer: its history and its outcome. */
export function tellRun(screen: Screen, { run, verdict }: JudgedRun): void {
  const { colour, width } = screen.terminal;
  screen.heading(`${run.pattern}, ${run.failure}: ${FAILURE_TEXTS[run.failure]}`);
  screen.line();
  const timeline = renderTimeline(run.details, { colour, width: width - 2, nameOf });
  for (const line of timeline.split('\n')) screen.line(`  ${line}`);
  for (const { path, op, httpStatus } of run.lateCalls) {
    const result = httpStatus === 409 ? 'rejected as too late' : `HTTP ${httpStatus}`;
    screen.line(`  ${screen.dim('     later')}  » the ${op} that was delayed arrives at ${nameOf(path)}: ${result}`);
  }
  screen.line();
  const { before, after } = run;
  const moved = `Ana ${money(before.ana)} → ${money(after.ana)}, Ben ${money(before.ben)} → ${money(after.ben)}`;
  screen.line(
    verdict.complaints.length === 0
      ? screen.good(`  ✓ ${verdict.outcome}: ${moved}`)
      : screen.bad(`  ✗ ${verdict.outcome}: ${moved}; ${verdict.complaints.join('; ')}`),
  );
}

/** The table, and the conclusion. */
export function conclude(screen: Screen, options: Options, runs: readonly JudgedRun[]): void {
  const [head = '', ...rows] = tableOf(runs);
  screen.heading('What is left');
  screen.line();
  screen.line(`  ${screen.dim(head)}`);
  for (const [index, row] of rows.entries())
    screen.line(`  ${runs[index]?.verdict.complaints.length === 0 ? row : screen.bad(row)}`);
  screen.line();
  const broken = runs.filter(({ verdict }) => verdict.complaints.length > 0);
  for (const { run, verdict } of broken)
    screen.line(screen.bad(`  ✗ ${run.pattern}, ${run.failure}: ${verdict.complaints.join('; ')}`));
  if (broken.length === 0)
    screen.line(screen.good('  ✓ Every transfer was done by both banks or by neither, and no money was made or lost.'));
  const hint = hintOf(options);
  if (hint !== undefined) {
    screen.line();
    screen.line(`  ${hint.question}`);
    screen.line(screen.bold(`    npm run transfer -- ${hint.args}`));
  }
}

/** A suggestion for the next command. */
function hintOf({ patterns, failures, withoutBarrier }: Options) {
  if (withoutBarrier)
    return { question: 'The same with the barrier:', args: `${patterns.join(' ')} --fail ${failures[0]}` };
  if (failures.length === 1 && failures[0] === 'none')
    return {
      question: 'What happens in a failure? (rejected, lost-response, down, late, all)',
      args: 'all --fail all',
    };
  return { question: 'What happens if bank B has no barrier?', args: 'saga --fail lost-response --without-barrier' };
}

const NAMES: Readonly<Record<string, string>> = {
  debit: 'bank A: debit',
  refund: 'bank A: refund',
  hold: 'bank A: hold',
  spend: 'bank A: spend',
  release: 'bank A: release',
  'xa-debit': 'bank A: debit (XA)',
  'check-back': 'bank A: check-back',
  credit: 'bank B: credit',
  revoke: 'bank B: revoke',
  announce: 'bank B: announce',
  receive: 'bank B: receive',
  forget: 'bank B: forget',
  'xa-credit': 'bank B: credit (XA)',
  deposit: 'bank B: deposit',
  workflows: 'application: callback',
};

/** The display name of a branch, by the last part of its URL. */
function nameOf(url: string): string {
  const last = /([^/?]*)(?:\?.*)?$/.exec(url)?.[1] ?? '';
  return NAMES[last] ?? url;
}
