/** The parts of a schema's issue that an error message needs. */
export interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly code?: string | undefined;
  readonly origin?: string | undefined;
  readonly maximum?: number | bigint | undefined;
  readonly minimum?: number | bigint | undefined;
  readonly inclusive?: boolean | undefined;
  readonly exact?: boolean | undefined;
  readonly expected?: string | undefined;
  readonly values?: readonly unknown[] | undefined;
  readonly options?: readonly unknown[] | undefined;
  readonly keys?: readonly string[] | undefined;
  readonly issues?: readonly Issue[] | undefined;
  readonly errors?: readonly (readonly Issue[])[] | undefined;
}

/**
 * How the schema library's messages begin; any other message is Holdfast's and is shown unchanged.
 */
const RAW = /^(?:Too big|Too small|Invalid|Unrecognized)\b/;

/**
 * Describes a field's fault as the part of a sentence after the field's name and a colon.
 * @param input the validated value, in which the issue's path leads to the field's value
 */
export function faultOf(issue: Issue, input: unknown): string {
  if (!RAW.test(issue.message)) return issue.message;
  const value = valueAt(input, issue.path);
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
      return `has a name that cannot be: ${inner(issue.issues, issue.path.at(-1))}`;
    case 'invalid_union':
      return issue.options === undefined ? ofUnion(issue, value) : oneOf(issue.options);
    default:
      return issue.message;
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

const quoted = (value: unknown): string => (typeof value === 'string' ? JSON.stringify(value) : String(value));

function described(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'number') return String(value);
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function boundOf(
  { origin, inclusive = true, exact = false }: Issue,
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
function ofUnion({ errors = [], message }: Issue, value: unknown): string {
  const firsts = errors.flatMap(([first]) => first ?? []);
  const fitting = firsts.find(({ code, path }) => code !== 'invalid_type' || path.length > 0);
  if (fitting !== undefined) {
    const path = fitting.path.map(String).join('.');
    return path === '' ? faultOf(fitting, value) : `${path} ${faultOf(fitting, value)}`;
  }
  if (firsts.length === 0) return message;
  return `must be ${firsts.map(({ expected }) => kindOf(expected)).join(' or ')}, not ${described(value)}`;
}

const inner = (issues: readonly Issue[] = [], name: PropertyKey = ''): string =>
  issues[0] === undefined ? quoted(name) : faultOf({ ...issues[0], path: [] }, String(name));

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Readonly<Record<PropertyKey, unknown>>)[part];
  }
  return value;
}
