import { parseArgs } from 'node:util';
import { PATTERN_NAMES, type PatternName } from '../patterns/index.ts';
import { type Failure, FAILURE_TEXTS, FAILURES } from '../stage/failure.ts';
import type { DatabaseUrls } from './databases.ts';

/** The options of `npm run transfer`. */
export interface Options {
  readonly patterns: readonly PatternName[];
  readonly failures: readonly Failure[];
  /** Cents. */
  readonly amount: number;
  readonly urls: DatabaseUrls;
  readonly withoutBarrier: boolean;
}

/** A text to print instead of running. */
export interface Advice {
  readonly text: string;
  readonly exitCode: 0 | 2;
}

const LARGEST_AMOUNT = 1_000_000;

const failureLines = FAILURES.map((name) => `      ${name.padEnd(14)} ${FAILURE_TEXTS[name]}`).join('\n');

/** Printed for `--help`. */
export const USAGE = `Moves money from Ana's account (bank A, PostgreSQL) to Ben's (bank B, MariaDB), and shows what happened.

usage: npm run transfer -- [PATTERN …] [options]

  PATTERN          ${PATTERN_NAMES.join(', ')} or all (default)
  --fail FAILURE   what goes wrong:
${failureLines}
      ${'all'.padEnd(14)} each of them
  --amount N       amount to move, such as 30 (default) or 12.50; both accounts hold 100.00
  --without-barrier
                   bank B uses no barrier (except in xa): see --fail lost-response
  --postgres URL   a running PostgreSQL: postgres://USER:PASSWORD@HOST:5432/DATABASE
  --mariadb URL    a running MariaDB: mysql://USER:PASSWORD@HOST:3306/DATABASE
  --help           print this text

Without URLs private databases are started, and removed at the end. In databases that are named, the tables transfer_account and
dtm_barrier.barrier are created, and stay.

Exit code: 0 when every transfer was done by both banks or by none, 1 when one was not (or something broke), 2 when it cannot run.`;

/** Parses the command line into options, or a text to print instead. */
export function readOptions(args: readonly string[]): Options | Advice {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        fail: { type: 'string', default: 'none' },
        amount: { type: 'string', default: '30' },
        postgres: { type: 'string' },
        mariadb: { type: 'string' },
        'without-barrier': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) return { text: USAGE, exitCode: 0 };
    return {
      patterns: manyOf(PATTERN_NAMES, positionals.length === 0 ? ['all'] : positionals, 'a pattern'),
      failures: manyOf(FAILURES, [values.fail], 'a failure'),
      amount: centsOf(values.amount),
      urls: {
        postgres: urlOf(values.postgres, '--postgres', ['postgres:', 'postgresql:']),
        mariadb: urlOf(values.mariadb, '--mariadb', ['mysql:', 'mariadb:']),
      },
      withoutBarrier: values['without-barrier'],
    };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { text: `${why}\nRun "npm run transfer -- --help" for the options.`, exitCode: 2 };
  }
}

/** The given names in the order of `known`, each once. */
function manyOf<Name extends string>(known: readonly Name[], names: readonly string[], what: string): readonly Name[] {
  for (const name of names) {
    if (name !== 'all' && !(known as readonly string[]).includes(name))
      throw new Error(`"${name}" is not ${what}; there are ${known.join(', ')} and all`);
  }
  return names.includes('all') ? known : known.filter((name) => names.includes(name));
}

function centsOf(text: string): number {
  const amount = /^\d{1,7}(\.\d{1,2})?$/.test(text) ? Number(text) : Number.NaN;
  if (amount > 0 && amount <= LARGEST_AMOUNT) return Math.round(amount * 100);
  throw new Error(`--amount takes what is to be moved, such as 30 or 12.50, up to ${LARGEST_AMOUNT}; not "${text}"`);
}

/** The URL itself is not repeated in errors: it may contain a password. */
function urlOf(text: string | undefined, option: string, protocols: readonly string[]): string | undefined {
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const [first = ''] = protocols;
  if (url === undefined || !protocols.includes(url.protocol))
    throw new Error(`${option} takes a URL such as ${first}//USER:PASSWORD@HOST/DATABASE`);
  // The client library accepts only one spelling of the scheme.
  return text.replace(/^[a-z]+:/i, first);
}
