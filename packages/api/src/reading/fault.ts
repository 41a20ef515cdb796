import { shown } from '@holdfast/protocol';

/** The parts of a schema's issue that an error message needs, as the schema reports it. */
export interface RawIssue {
  readonly code?: string | undefined;
  /** The value at fault. */
  readonly input?: unknown;
  readonly path?: readonly PropertyKey[] | undefined;
  readonly message?: string | undefined;
  readonly origin?: string | undefined;
  readonly maximum?: number | bigint | undefined;
  readonly minimum?: number | bigint | undefined;
  readonly inclusive?: boolean | undefined;
  readonly exact?: boolean | undefined;
  readonly expected?: string | undefined;
  readonly values?: readonly unknown[] | undefined;
  readonly options?: readonly unknown[] | undefined;
  readonly keys?: readonly string[] | undefined;
  readonly issues?: readonly RawIssue[] | undefined;
  readonly errors?: readonly (readonly RawIssue[])[] | undefined;
}

/**
 * Describes a field's fault as the part of a sentence after the field's name and a colon. Passed to
 * the schema library, which calls it for each issue for which the schema specifies no text.
 */
export function faultOf(issue: RawIssue): string {
  const { input: value } = issue;
  switch (issue.code) {
    case 'invalid_type':
      return value === undefined
        ? `is missing; it must be ${kindOf(issue.expected)}`
        : `must be ${kindOf(issue.expected)}, not ${described(value)}`;
    case 'too_big':
      return boundOf(issue, value, 'at most', 'less than', issue.maximum);
    case 'too_small':
      return boundOf(issue, value, 'at least', 'more than', issue.minimum);
    case 'invalid_value':
      return oneOf(issue.values);
    case 'unrecognized_keys':
      return `has no field ${(issue.keys ?? []).map(quoted).join(', ')}`;
    case 'invalid_key':
      return `has a name that is not allowed: ${issue.issues?.[0]?.message ?? quoted(issue.path?.at(-1))}`;
    case 'invalid_union':
      return issue.options === undefined ? ofUnion(issue, value) : oneOf(issue.options);
    default:
      return 'is invalid';
  }
}

const KINDS: Readonly<Record<string, string>> = {
  int: 'a whole number',
  object: 'an object',
  record: 'an object',
  array: 'an array',
};
const kindOf = (expected = 'something else'): string => KINDS[expected] ?? `a ${expected}`;

const oneOf = (values: readonly unknown[] = []): string =>
  values.length === 1 ? `must be ${quoted(values[0])}` : `must be one of ${values.map(quoted).join(', ')}`;

const quoted = (value: unknown): string => (typeof value === 'string' ? shown(value) : String(value));

function described(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'number') return String(value);
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function boundOf(
  { origin, inclusive = true, exact = false }: RawIssue,
  value: unknown,
  closed: string,
  open: string,
  bound: number | bigint = 0,
): string {
  const unit = UNITS[origin ?? ''];
  const limit = `${exact ? 'exactly' : inclusive ? closed : open} ${bound}`;
  if (unit === undefined) return `must be ${limit}`;
  const length = typeof value === 'string' || Array.isArray(value) ? `, not ${value.length}` : '';
  return `must have ${limit} ${Number(bound) === 1 ? unit : `${unit}s`}${length}`;
}

const UNITS: Readonly<Record<string, string>> = { string: 'character', array: 'element', object: 'field' };

/**
 * The types allowed for a value, or the fault of the value as the alternative whose type it has.
 */
function ofUnion({ errors = [] }: RawIssue, value: unknown): string {
  const firsts = errors.flatMap(([first]) => first ?? []);
  const fitting = firsts.find(({ code, path = [] }) => code !== 'invalid_type' || path.length > 0);
  if (fitting !== undefined) {
    const path = (fitting.path ?? []).map(String).join('.');
    return path === '' ? (fitting.message ?? 'is invalid') : `${path} ${fitting.message}`;
  }
  if (firsts.length === 0) return 'is invalid';
  return `must be ${firsts.map(({ expected }) => kindOf(expected)).join(' or ')}, not ${described(value)}`;
}
