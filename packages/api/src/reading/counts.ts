import { type FieldPath, HoldfastError, LIMITS } from '@holdfast/protocol';

/** Maximum number of fields of a request or map; more are never intended. */
export const MOST_FIELDS = 100;

type Fields = Readonly<Record<string, unknown>>;

/** The lists and maps in the requests of a wire, which are counted before they are validated. */
export interface CountBounds {
  /** Each with the maximum number of its elements. */
  readonly lists: ReadonlyMap<string, number>;
  /** The field with a saga's dependencies, and the number of them in a request. */
  readonly dependencies: { readonly field: string; readonly count: (fields: Fields) => number };
}

/** Those of `/api/v1`. */
export const OWN_BOUNDS: CountBounds = {
  lists: new Map([
    ['steps', LIMITS.steps],
    ['branchHeaders', LIMITS.branchHeaders],
  ]),
  dependencies: {
    field: 'steps',
    count: ({ steps }) => {
      let count = 0;
      for (const step of elementsOf(steps)) {
        const after =
          typeof step === 'object' && step !== null ? (step as { readonly after?: unknown }).after : undefined;
        if (after !== undefined) count += elementsOf(after).length;
      }
      return count;
    },
  },
};

/**
 * Checks sizes before a schema validates, and reports, each element. Throws `too_large`, naming the
 * list or map.
 * @param within path of `body` in the request
 */
export function checkCounts(body: unknown, { lists, dependencies }: CountBounds, within: FieldPath): void {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return;
  const fields = body as Fields;
  let count = 0;
  for (const field in fields) {
    if (!Object.hasOwn(fields, field)) continue;
    if (++count > MOST_FIELDS) break;
    const value = fields[field];
    // Most fields are texts and numbers.
    if (typeof value !== 'object' || value === null) continue;
    const most = lists.get(field);
    if (most !== undefined) checkCount(within, field, value, most);
  }
  if (count > MOST_FIELDS) checkCount(within, undefined, fields, MOST_FIELDS);
  const dependent = dependencies.count(fields);
  if (dependent <= LIMITS.dependencies) return;
  const fault = `must have at most ${LIMITS.dependencies} dependencies together, not ${dependent}`;
  throw new HoldfastError('too_large', fault, { field: [...within, dependencies.field] });
}

/** The elements of a list or map; empty for other values. */
export function elementsOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return typeof value === 'object' && value !== null ? Object.values(value) : [];
}

/** Number of entries of a map, counted without creating a list: listing 19,000 names takes 4 ms. */
function sizeOfMap(map: object): number {
  let count = 0;
  for (const key in map) if (Object.hasOwn(map, key)) count++;
  return count;
}

/** The path of the field is built only for an error: every request is counted. */
function checkCount(within: FieldPath, field: string | undefined, value: object, most: number): void {
  const count = Array.isArray(value) ? value.length : sizeOfMap(value);
  if (count <= most) return;
  const fault = `must have at most ${most} entries, not ${count}`;
  const path = field === undefined ? within : [...within, field];
  throw path.length === 0
    ? new HoldfastError('too_large', `the request ${fault}`)
    : new HoldfastError('too_large', fault, { field: path });
}
