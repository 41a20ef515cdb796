import type { WriteItem } from '@holdfast/core/store';
import { STATUSES } from '@holdfast/protocol';
import fc from 'fast-check';
import { DUE_STEP_MS } from './model.ts';

export const NAMESPACES = ['n', 'n1'];
export const GIDS = ['x', 'x-4', 'x-48', 'x:4'];
const GROUPS = ['', 'shop'];
const SESSIONS = ['s1', 's2', 's3'];
const ENTRIES = ['e', 'e1', 'e10'];

/** The operation of one step. */
export type Step =
  | { readonly do: 'write'; readonly plans: readonly Plan[] }
  | { readonly do: 'repeat' }
  | { readonly do: 'claim'; readonly session: string; readonly limit: number; readonly groups: readonly string[] }
  | { readonly do: 'open' | 'end' | 'beat' | 'takeOver'; readonly session: string }
  | { readonly do: 'makeDue'; readonly namespace: string; readonly laterThanMs: number }
  | { readonly do: 'purge' | 'reopen' };

/** One item of a batch, created when the version of its record is known. */
export interface Plan {
  readonly kind: WriteItem['kind'];
  readonly namespace: string;
  readonly gid: string;
  readonly stale: boolean;
  readonly status: (typeof STATUSES)[number];
  readonly owner: string | null;
  readonly due: number | null;
  readonly attention: boolean;
  readonly group: string;
  readonly entries: readonly string[];
  readonly maxEntries: number;
  readonly postpone: number | undefined;
}

const due = fc.constantFrom(-3, -2, -1, 1, 2, 3).map((steps) => steps * DUE_STEP_MS);

const plan: fc.Arbitrary<Plan> = fc.record({
  kind: fc.constantFrom('insert', 'insert', 'update', 'update', 'update', 'append'),
  namespace: fc.constantFrom(...NAMESPACES),
  gid: fc.constantFrom(...GIDS),
  stale: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  status: fc.constantFrom('submitted', 'submitted', 'aborting', ...STATUSES),
  owner: fc.constantFrom(null, null, ...SESSIONS),
  due: fc.option(due),
  attention: fc.boolean(),
  group: fc.constantFrom(...GROUPS),
  entries: fc.uniqueArray(fc.constantFrom(...ENTRIES), { minLength: 1, maxLength: 3 }),
  maxEntries: fc.integer({ min: 1, max: 3 }),
  postpone: fc.option(due, { nil: undefined }),
});

const session = fc.constantFrom(...SESSIONS);
/** One step; writes most often. */
export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      plans: fc.uniqueArray(plan, { minLength: 1, maxLength: 5, selector: (p) => `${p.namespace} ${p.gid}` }),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ do: 'repeat' as const }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('claim' as const),
      session,
      limit: fc.integer({ min: 1, max: 4 }),
      groups: fc.subarray(GROUPS),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom('open' as const, 'open' as const, 'end' as const, 'beat' as const, 'takeOver' as const),
      session,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('makeDue' as const),
      namespace: fc.constantFrom(...NAMESPACES),
      laterThanMs: fc.constantFrom(1.5 * DUE_STEP_MS, 0.5 * DUE_STEP_MS),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('purge' as const, 'reopen' as const) }) },
);
