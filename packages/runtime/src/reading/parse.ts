import { HoldfastError } from '@holdfast/protocol';
import { checkCounts } from './counts.ts';
import { faultOf, type Issue } from './fault.ts';
import { checkJsonBounds } from './json-bounds.ts';

/** Bounds a message; one about unknown fields lists them all. */
const LONGEST_FAULT = 500;

/** The part of a schema that is used here. */
export interface Schema<T> {
  safeParse(value: unknown):
    | { readonly success: true; readonly data: T }
    | {
        readonly success: false;
        readonly error: { readonly issues: readonly Issue[] };
      };
}

/** Parses a value with a schema. Throws `invalid`, naming the first invalid field. */
export function parse<T>(schema: Schema<T>, value: unknown): T {
  checkCounts(value);
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  const issue = read.error.issues[0];
  const field = issue === undefined ? '' : fieldPath(issue.path);
  const gid = gidOf(value);
  throw new HoldfastError(
    'invalid',
    `${field === '' ? 'the request' : field}: ${(issue === undefined ? 'invalid' : faultOf(issue, value)).slice(0, LONGEST_FAULT)}`,
    {
      ...(field !== '' && { field }),
      ...(gid !== '' && { gid }),
    },
  );
}

/** `steps[1].action`. */
function fieldPath(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`))
    .join('');
}

function gidOf(value: unknown): string {
  const gid = typeof value === 'object' && value !== null && 'gid' in value ? value.gid : undefined;
  return typeof gid === 'string' ? gid : '';
}

/** An error for a field that is missing or has an invalid value. */
export function invalid(gid: string, field: string, fault: string): HoldfastError {
  return new HoldfastError('invalid', `${field}: ${fault}`, { field, ...(gid !== '' && { gid }) });
}

/** Parses a JSON text in a field such as `custom_data`. */
export function parseField<T>(schema: Schema<T>, gid: string, field: string, text: string): T {
  checkJsonBounds(text, field, field);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid(gid, field, 'not a JSON text');
  }
  try {
    return parse(schema, value);
  } catch (error) {
    const { code, message, field: inner } = HoldfastError.from(error);
    const path = inner === undefined ? field : `${field}.${inner}`;
    const fault = inner === undefined ? message : message.slice(inner.length + 2);
    throw new HoldfastError(code, `${path}: ${fault}`, { field: path, ...(gid !== '' && { gid }) });
  }
}
