import { type Budget, NO_FAULTS, type Scenario } from './scenario.ts';

type Plain = Omit<Scenario, 'budget'>;

const PLAIN = {
  saga: { name: 'saga', pattern: 'saga', branches: 2 },
  concurrent: { name: 'concurrent saga', pattern: 'saga', branches: 3, concurrent: true },
  ordered: { name: 'ordered saga', pattern: 'saga', branches: 3, concurrent: true, orders: { 2: [0, 1] } },
  limited: { name: 'saga with a retry limit', pattern: 'saga', branches: 2, retryLimit: 1 },
  timed: { name: 'saga with a timeout', pattern: 'saga', branches: 2, timeoutToFailMs: 5_000 },
  message: { name: 'message', pattern: 'msg', branches: 2 },
  direct: { name: 'concurrent message', pattern: 'msg', branches: 3, concurrent: true, direct: true },
  tcc: { name: 'tcc', pattern: 'tcc', branches: 2 },
  xa: { name: 'xa', pattern: 'xa', branches: 2 },
  workflow: { name: 'workflow', pattern: 'workflow', branches: 2 },
} as const satisfies Readonly<Record<string, Plain>>;

const withBudget = (plain: Plain, budget: Partial<Budget>): Scenario => ({
  ...plain,
  budget: { ...NO_FAULTS, ...budget },
});

/** One or two faults along each path: seconds. */
export const SMALL: readonly Scenario[] = [
  withBudget(PLAIN.saga, { refusals: 1, store: 1 }),
  withBudget(PLAIN.saga, { refusals: 1, crashes: 1 }),
  withBudget({ ...PLAIN.saga, branches: 1 }, { commands: 1 }),
  withBudget({ ...PLAIN.saga, branches: 1 }, { pauses: 1 }),
  withBudget({ ...PLAIN.concurrent, branches: 2 }, { refusals: 1 }),
  withBudget({ ...PLAIN.limited, branches: 1 }, { calls: 2 }),
  withBudget({ ...PLAIN.timed, branches: 1 }, { calls: 1 }),
  withBudget({ ...PLAIN.message, branches: 1 }, { crashes: 1 }),
  withBudget({ ...PLAIN.direct, branches: 2 }, { refusals: 1 }),
  withBudget({ ...PLAIN.tcc, branches: 1 }, { lateBranches: 1 }),
  withBudget({ ...PLAIN.xa, branches: 1 }, {}),
  withBudget({ ...PLAIN.workflow, branches: 1 }, {}),
  withBudget({ ...PLAIN.workflow, branches: 1 }, { heartbeats: 1 }),
];

/** Two or more faults along each path: minutes. */
export const LARGE: readonly Scenario[] = [
  withBudget(PLAIN.saga, { refusals: 1, store: 1, crashes: 1 }),
  withBudget(PLAIN.saga, { refusals: 1, calls: 1, pauses: 1 }),
  withBudget({ ...PLAIN.saga, branches: 1 }, { refusals: 1, store: 2 }),
  withBudget({ ...PLAIN.saga, branches: 1 }, { commands: 2, pauses: 1 }),
  withBudget(PLAIN.saga, { commands: 1, store: 1, repeats: 1 }),
  withBudget({ ...PLAIN.saga, branches: 3 }, { refusals: 1, crashes: 1, calls: 1 }),
  withBudget({ ...PLAIN.concurrent, branches: 2 }, { refusals: 1, crashes: 1, calls: 1 }),
  withBudget(PLAIN.ordered, { refusals: 1, crashes: 1 }),
  withBudget(PLAIN.limited, { calls: 2, crashes: 1 }),
  withBudget({ ...PLAIN.timed, branches: 1 }, { calls: 1, store: 1 }),
  withBudget({ ...PLAIN.message, branches: 1 }, { store: 1, crashes: 1 }),
  withBudget({ ...PLAIN.message, branches: 1 }, { calls: 1, pauses: 1, repeats: 1 }),
  withBudget(PLAIN.direct, { crashes: 1, refusals: 1 }),
  withBudget({ ...PLAIN.tcc, branches: 1 }, { lateBranches: 1, store: 1 }),
  withBudget({ ...PLAIN.tcc, branches: 1 }, { crashes: 1, commands: 1 }),
  withBudget({ ...PLAIN.xa, branches: 1 }, { lateBranches: 1, calls: 1 }),
  withBudget(PLAIN.xa, { store: 1 }),
  withBudget({ ...PLAIN.workflow, branches: 1 }, { refusals: 1, store: 1 }),
  withBudget({ ...PLAIN.workflow, branches: 1 }, { crashes: 1, commands: 1 }),
  withBudget({ ...PLAIN.workflow, branches: 1 }, { heartbeats: 1, crashes: 1 }),
];

export const NAMES: readonly string[] = Object.values(PLAIN).map(({ name }) => name);

/** A scenario by name with a budget; by default with the pattern's usual number of branches. */
export function scenarioOf(name: string, branches: number | undefined, budget: Partial<Budget>): Scenario {
  const plain: Plain | undefined = Object.values(PLAIN).find((one) => one.name === name);
  if (plain === undefined) throw new Error(`--scenario must be one of ${NAMES.join(', ')}; "${name}" is not`);
  return withBudget({ ...plain, branches: branches ?? plain.branches }, budget);
}
