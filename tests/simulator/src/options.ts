import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';

export interface Options {
  readonly from: number;
  /** Number of seeds; Infinity if time is the limit. */
  readonly seeds: number;
  readonly minutes: number;
  /** Number of processors to use. */
  readonly jobs: number;
  /** Print every line of a trace. */
  readonly trace: boolean;
  /** Print one line of JSON instead of the report. */
  readonly json: boolean;
}

export const USAGE = `npm run simulate -- [options]
  --seeds N     how many seeds to run (100)
  --from N      the first seed (1)
  --seed N      this seed alone
  --minutes N   run seeds for N minutes
  --jobs N      processors to use (all, at most 4)
  --trace       print the whole trace of a failing seed, or of the only one
  --json        print one line of JSON instead of the report`;

const MOST_JOBS = 4;

/** Parses the command line. Throws an Error that describes the fault. */
export function readOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: 'string' },
      from: { type: 'string' },
      seed: { type: 'string' },
      minutes: { type: 'string' },
      jobs: { type: 'string' },
      trace: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const minutes = positive('minutes', values.minutes, 0);
  const only = values.seed !== undefined;
  return {
    from: only ? whole('seed', values.seed, 1) : whole('from', values.from, 1),
    seeds: only ? 1 : minutes > 0 && values.seeds === undefined ? Infinity : whole('seeds', values.seeds, 100),
    minutes,
    jobs: only ? 1 : whole('jobs', values.jobs, Math.min(MOST_JOBS, availableParallelism())),
    trace: values.trace,
    json: values.json,
  };
}

function whole(name: string, text: string | undefined, otherwise: number): number {
  const value = positive(name, text, otherwise);
  if (!Number.isInteger(value)) throw new Error(`--${name} must be a whole number, not ${text ?? ''}`);
  return value;
}

function positive(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} must be a number above 0, not ${text}`);
  return value;
}
