import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { type Budget, NO_FAULTS, type Scenario } from './scenario.ts';
import { LARGE, NAMES, scenarioOf, SMALL } from './scenarios.ts';

export interface Options {
  readonly scenarios: readonly Scenario[];
  /** Limit that ends an exploration early. */
  readonly states: number;
  readonly minutes: number;
  /** Scenarios explored at once. */
  readonly jobs: number;
  /** Print one line of JSON instead of the report. */
  readonly json: boolean;
}

const BUDGETS = Object.keys(NO_FAULTS) as (keyof Budget)[];

const MOST_JOBS = 4;

export const USAGE = `npm run model-check -- [options]
  --small           the scenarios of npm test (seconds) instead of the large ones (minutes)
  --scenario NAME   one transaction with the budget below: ${NAMES.join(', ')}
  --branches N      its branches
  --budget LIST     how often what may happen along one path, such as crashes=1,store=2:
                    ${BUDGETS.join(', ')}
  --states N        ends each exploration after this number of states (no limit)
  --minutes N       ends each exploration after this time (no limit)
  --jobs N          scenarios explored at once (all processors, at most 4)
  --json            prints one line of JSON instead of the report`;

/** Parses the command line. Throws an Error that names the invalid option. */
export function readOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      small: { type: 'boolean', default: false },
      scenario: { type: 'string' },
      branches: { type: 'string' },
      budget: { type: 'string', default: '' },
      states: { type: 'string' },
      minutes: { type: 'string' },
      jobs: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const { scenario } = values;
  if (scenario === undefined && (values.budget !== '' || values.branches !== undefined))
    throw new Error('--budget and --branches need --scenario');
  const branches = values.branches === undefined ? undefined : positive('branches', values.branches);
  return {
    scenarios:
      scenario === undefined
        ? values.small
          ? SMALL
          : LARGE
        : [scenarioOf(scenario, branches, readBudget(values.budget))],
    states: values.states === undefined ? Infinity : positive('states', values.states),
    minutes: values.minutes === undefined ? Infinity : positive('minutes', values.minutes),
    jobs: values.jobs === undefined ? Math.min(MOST_JOBS, availableParallelism()) : positive('jobs', values.jobs),
    json: values.json,
  };
}

function readBudget(text: string): Partial<Budget> {
  const parts = text === '' ? [] : text.split(',');
  return Object.fromEntries(
    parts.map((part) => {
      const [name = '', times = ''] = part.split('=');
      if (!BUDGETS.includes(name as keyof Budget))
        throw new Error(`--budget knows ${BUDGETS.join(', ')}; not "${name}"`);
      return [name, positive(`budget ${name}`, times)];
    }),
  );
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} must be a number above 0, not "${text}"`);
  return value;
}
