import { HoldfastError, LIMITS } from '@holdfast/protocol';

/** Fields of one request or one map; more is never meant. */
const MOST_FIELDS = 100;

/** The lists and maps of all requests, by name, and how many elements each may have. */
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
 * Counts before a schema looks at each element, and finds something wrong with each. Throws `too_large`, naming the list or map.
 */
export function checkCounts(body: unknown): void {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return;
  checkCount('the request', undefined, body, MOST_FIELDS);
  const fields = body as Readonly<Record<string, unknown>>;
  for (const [field, most] of BOUNDS) checkCount(field, field, fields[field], most);
  checkDependencies(fields);
}

/** `orders` of dtm's wire, or `after` of each step: lists within a list. */
function checkDependencies({ orders, steps }: Readonly<Record<string, unknown>>): void {
  let count = 0;
  for (const before of listOf(orders)) count += listOf(before).length;
  for (const step of listOf(steps))
    if (typeof step === 'object' && step !== null && 'after' in step) count += listOf(step.after).length;
  if (count <= LIMITS.dependencies) return;
  const field = orders === undefined ? 'steps' : 'orders';
  const fault = `${field}: a saga has at most ${LIMITS.dependencies} dependencies, this one has ${count}`;
  throw new HoldfastError('too_large', fault, { field });
}

/** What a list or map holds; nothing when it is neither. */
function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return typeof value === 'object' && value !== null ? Object.values(value) : [];
}

function checkCount(what: string, field: string | undefined, value: unknown, most: number): void {
  if (typeof value !== 'object' || value === null) return;
  const count = Array.isArray(value) ? value.length : Object.keys(value).length;
  if (count <= most) return;
  const fault = `${what}: must have at most ${most} entries, this one has ${count}`;
  throw new HoldfastError('too_large', fault, field === undefined ? {} : { field });
}
