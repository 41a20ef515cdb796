import { HoldfastError, LIMITS } from '@holdfast/protocol';

/** Maximum number of fields of a request or map; more are never intended. */
const MOST_FIELDS = 100;

/** The lists and maps in requests, and the maximum number of their elements. */
const BOUNDS: ReadonlyMap<string, number> = new Map([
  ['steps', LIMITS.steps],
  // Payloads beyond the last step are ignored.
  ['payloads', LIMITS.steps],
  ['orders', LIMITS.steps],
  ['branch_headers', LIMITS.branchHeaders],
  ['branchHeaders', LIMITS.branchHeaders],
  ['req_extra', MOST_FIELDS],
]);

/**
 * Checks sizes before a schema validates, and reports, each element. Throws `too_large`, naming the
 * list or map.
 */
export function checkCounts(body: unknown): void {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return;
  const fields = body as Readonly<Record<string, unknown>>;
  let count = 0;
  for (const field in fields) {
    if (!Object.hasOwn(fields, field)) continue;
    if (++count > MOST_FIELDS) break;
    const value = fields[field];
    // Most fields are texts and numbers.
    if (typeof value !== 'object' || value === null) continue;
    const most = BOUNDS.get(field);
    if (most !== undefined) checkCount(field, field, value, most);
  }
  if (count > MOST_FIELDS) checkCount('the request', undefined, fields, MOST_FIELDS);
  checkDependencies(fields);
}

/** Checks `orders` of dtm's wire, or `after` of each step: lists within a list. */
function checkDependencies({ orders, steps }: Readonly<Record<string, unknown>>): void {
  let count = 0;
  if (orders !== undefined) for (const before of listOf(orders)) count += listOf(before).length;
  for (const step of listOf(steps)) {
    const after = typeof step === 'object' && step !== null ? (step as { readonly after?: unknown }).after : undefined;
    if (after !== undefined) count += listOf(after).length;
  }
  if (count <= LIMITS.dependencies) return;
  const field = orders === undefined ? 'steps' : 'orders';
  const fault = `${field}: a saga has at most ${LIMITS.dependencies} dependencies, this one has ${count}`;
  throw new HoldfastError('too_large', fault, { field });
}

/** The elements of a list or map; empty for other values. */
function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return typeof value === 'object' && value !== null ? Object.values(value) : [];
}

/** Number of entries of a map, counted without creating a list: listing 19,000 names takes 4 ms. */
function sizeOfMap(map: object): number {
  let count = 0;
  for (const key in map) if (Object.hasOwn(map, key)) count++;
  return count;
}

function checkCount(what: string, field: string | undefined, value: object, most: number): void {
  const count = Array.isArray(value) ? value.length : sizeOfMap(value);
  if (count <= most) return;
  const fault = `${what}: must have at most ${most} entries, this one has ${count}`;
  throw new HoldfastError('too_large', fault, field === undefined ? {} : { field });
}
