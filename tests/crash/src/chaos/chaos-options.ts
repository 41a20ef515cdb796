import { parseArgs } from 'node:util';
import { count, positive, UsageError } from '../command-line.ts';
import { BROKEN_SDKS } from './broken-sdks.ts';
import { type DatabaseName, DATABASES, ISOLATIONS } from './databases/chaos-database.ts';

/** The options of a chaos run. */
export interface ChaosOptions {
  readonly database: DatabaseName;
  readonly isolation: string;
  readonly seconds: number;
  readonly seed: number;
  /** Transactions begun per second. */
  readonly rate: number;
  /** Patience after the last fault. */
  readonly settleSeconds: number;
  /** Continues until every kind of fault has happened; the run fails if one is missing. */
  readonly untilAllFaults: boolean;
  /** Keeps the temporary folder also when nothing is wrong. */
  readonly keep: boolean;
}

export interface ChaosCommandLine extends ChaosOptions {
  readonly broken: string | undefined;
}

export const HELP = `npm run participant-chaos -- [options]

Kills participants, initiators, their coordinator and their connections under load, and judges the
participants by their database.

  --database NAME     postgres, mysql (MariaDB) or redis (postgres)
  --isolation LEVEL   read-committed, repeatable-read, or serializable on postgres (default of the database)
  --seconds N         how long the load and the faults last (60)
  --seed N            repeats a plan: the same transactions and faults of calls (random)
  --rate N            transactions begun per second (20)
  --settle-seconds N  patience after the last fault (180)
  --keep              keeps the folder with notes and logs also when nothing is wrong
  --broken NAME       runs an SDK that is broken on purpose, which must fail; "list" names them,
                      "all" runs one after the other and succeeds if each is convicted
`;

/** Reads the command line; undefined: show the help. Throws `UsageError`. */
export function readChaosCommandLine(args: readonly string[], randomSeed: number): ChaosCommandLine | undefined {
  const values = parse(args);
  if (values.help === true) return undefined;
  const { broken } = values;
  const database = databaseOf(values.database ?? databaseOfBroken(broken) ?? 'postgres');
  if (broken === 'all' && (values.database ?? values.isolation) !== undefined)
    throw new UsageError('--broken all runs each SDK on its own database; leave --database and --isolation out');
  return {
    database,
    isolation: isolationOf(database, values.isolation),
    seconds: positive('seconds', values.seconds, 60),
    seed: count('seed', values.seed, randomSeed),
    rate: positive('rate', values.rate, 20),
    settleSeconds: positive('settle-seconds', values['settle-seconds'], 180),
    untilAllFaults: broken === undefined,
    keep: values.keep === true,
    broken,
  };
}

/** The command that repeats a run. */
export function chaosCommandOf({ database, isolation, seconds, seed, rate }: ChaosOptions): string {
  const level = database === 'redis' ? '' : ` --isolation ${isolation.replace(' ', '-')}`;
  return `npm run participant-chaos -- --database ${database}${level} --seconds ${seconds} --seed ${seed} --rate ${rate}`;
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        database: text,
        isolation: text,
        seconds: text,
        seed: text,
        rate: text,
        'settle-seconds': text,
        broken: text,
        keep: flag,
        help: { ...flag, short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** Where an SDK that is broken on purpose is convicted. */
function databaseOfBroken(name: string | undefined): DatabaseName | undefined {
  if (name === undefined || name === 'all' || name === 'list') return undefined;
  const found = BROKEN_SDKS.find((sdk) => sdk.name === name);
  if (found === undefined) throw new UsageError(`--broken ${name}: there is no such SDK; --broken list names them`);
  return found.database;
}

function databaseOf(name: string): DatabaseName {
  const found = DATABASES.find((database) => database === name);
  if (found === undefined) throw new UsageError(`--database must be ${DATABASES.join(' or ')}, not ${name}`);
  return found;
}

function isolationOf(database: DatabaseName, text: string | undefined): string {
  const levels: readonly string[] = ISOLATIONS[database];
  const level = text?.replace('-', ' ') ?? levels[0];
  if (level === undefined || !levels.includes(level)) {
    const names = levels.map((one) => one.replace(' ', '-')).join(' or ');
    throw new UsageError(`--isolation of ${database} must be ${names}, not ${text}`);
  }
  return level;
}
