import { type FieldPath, HoldfastError } from '@holdfast/protocol';
import { checkCounts, type CountBounds, OWN_BOUNDS } from './counts.ts';
import { faultOf, type RawIssue } from './fault.ts';
import { checkJsonBounds } from './json-bounds.ts';

/** Bounds a message; one about unknown fields lists them all. */
const LONGEST_FAULT = 500;

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** The part of a schema that is used here. */
export interface Schema<T> {
  safeParse(
    value: unknown,
    params?: { readonly error: (issue: RawIssue) => string },
  ):
    | { readonly success: true; readonly data: T }
    | {
        readonly success: false;
        readonly error: { readonly issues: readonly Issue[] };
      };
}

/** Parses a value with a schema. Throws `invalid`, naming the first invalid field. */
export function parse<T>(schema: Schema<T>, value: unknown, bounds: CountBounds = OWN_BOUNDS): T {
  return parseWithin(schema, value, bounds, NO_PATH, gidOf(value));
}

/** Has the schema describe each issue in Holdfast's words. */
const WITH_FAULTS = { error: faultOf };
const NO_PATH: FieldPath = [];

/** @param within path of the value in the request; empty for the request itself */
function parseWithin<T>(schema: Schema<T>, value: unknown, bounds: CountBounds, within: FieldPath, gid: string): T {
  checkCounts(value, bounds, within);
  // Parameters take the schema library off its fast path, so only an invalid value is parsed with
  // them.
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  const described = schema.safeParse(value, WITH_FAULTS);
  const issue = described.success ? undefined : described.error.issues[0];
  const field = [...within, ...(issue === undefined ? NO_PATH : pathOf(issue))];
  const fault = (issue?.message ?? 'is invalid').slice(0, LONGEST_FAULT);
  if (field.length > 0) throw invalid(gid, field, fault);
  throw new HoldfastError('invalid', `the request ${fault}`, gid === '' ? {} : { gid });
}

const pathOf = ({ path }: Issue): FieldPath => path.map((part) => (typeof part === 'number' ? part : String(part)));

function gidOf(value: unknown): string {
  const gid = typeof value === 'object' && value !== null && 'gid' in value ? value.gid : undefined;
  return typeof gid === 'string' ? gid : '';
}

/** An error for a field that is missing or has an invalid value. */
export const invalid = (gid: string, field: FieldPath, fault: string): HoldfastError =>
  new HoldfastError('invalid', fault, { field, ...(gid !== '' && { gid }) });

/** Parses a field that holds a JSON text. */
export function parseField<T>(
  schema: Schema<T>,
  gid: string,
  field: FieldPath,
  text: string,
  bounds: CountBounds = OWN_BOUNDS,
): T {
  checkJsonBounds(text, field);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid(gid, field, 'must be a JSON text');
  }
  return parseWithin(schema, value, bounds, field, gid);
}
