import { parseArgs } from 'node:util';

/** What a run is asked for. */
export interface RunOptions {
  readonly seconds: number;
  readonly kills: number;
  readonly seed: number;
  readonly rate: number;
  readonly clients: number;
  /** Patience after the last restart. */
  readonly settleSeconds: number;
  /** Keeps the temporary folder also when nothing is wrong. */
  readonly keep: boolean;
}

/** A run, and the broken build it is to be done with, if any. */
export interface CommandLine extends RunOptions {
  readonly broken: string | undefined;
}

export const HELP = `npm run crash-test -- [options]

Kills a coordinator with SIGKILL under load, again and again, and judges it from its participants' journals.

  --seconds N         how long the coordinator serves between the kills, in all; 2 or more a kill (30)
  --kills N           kills, at random moments of it (10)
  --seed N            repeats a plan: the same transactions, faults and moments (random)
  --rate N            transactions begun per second (150)
  --clients N         clients at work at once (100)
  --settle-seconds N  patience of the clients, and after the last restart (60)
  --keep              keeps the journals also when nothing is wrong
  --broken NAME       runs a build that is broken on purpose; "list" names them
`;

/** A command line that makes no sense; the message says which option. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Reads the command line; undefined: show the help. Throws `UsageError`. */
export function readCommandLine(args: readonly string[], randomSeed: number): CommandLine | undefined {
  const values = parse(args);
  if (values.help === true) return undefined;
  return {
    seconds: positive('seconds', values.seconds, 30),
    kills: positive('kills', values.kills, 10),
    seed: positive('seed', values.seed, randomSeed),
    rate: positive('rate', values.rate, 150),
    clients: positive('clients', values.clients, 100),
    settleSeconds: positive('settle-seconds', values['settle-seconds'], 60),
    keep: values.keep === true,
    broken: values.broken,
  };
}

/** The command that repeats a run. */
export function commandOf({ seconds, kills, seed, rate, clients }: RunOptions): string {
  return `npm run crash-test -- --seconds ${seconds} --kills ${kills} --seed ${seed} --rate ${rate} --clients ${clients}`;
}

interface Values {
  readonly [name: string]: string | boolean | undefined;
  readonly seconds?: string;
  readonly kills?: string;
  readonly seed?: string;
  readonly rate?: string;
  readonly clients?: string;
  readonly 'settle-seconds'?: string;
  readonly broken?: string;
  readonly keep?: boolean;
  readonly help?: boolean;
}

function parse(args: readonly string[]): Values {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        seconds: text,
        kills: text,
        seed: text,
        rate: text,
        clients: text,
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

function positive(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new UsageError(`--${name} must be a whole number from 1, not ${text}`);
  return value;
}
